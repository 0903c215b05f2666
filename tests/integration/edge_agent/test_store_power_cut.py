"""The store after a power cut: whatever part of the unsynced writes reached the disk, some committed state opens.

The model: a commit that was acknowledged is on disk (SQLite fsynced its WAL before it returned); of what is written
after it, any prefix may be there, down to half a block. So the WAL is cut at every 1024 bytes of what the next commit
wrote, with the last block torn; and the database file, which checkpoints change, is tried as before and as after.
"""

import shutil
from pathlib import Path

import pytest

from edge_agent.domain.site import Pending, digest_of_rights
from edge_agent.store.files import write_file
from edge_agent.store.store import Loaded, Store
from protocol.digest import digest_of
from protocol.entitlement import Credential, Entitlement, Rate, render_row
from protocol.messages import Held

BLOCK = 1024


def row(number: int, generation: int) -> str:
    return render_row(
        Entitlement.model_validate(
            {
                "id": f"sub-{number}",
                "username": f"user{number}",
                "credential": Credential(revision=generation, sealed="x" * 150),
                "address": f"100.64.0.{number + 2}",
                "rate": Rate(up_bps=1_000_000, down_bps=1_000_000),
                "valid_until": generation,
            }
        )
    )


class Writer:
    """Commits generation after generation, and remembers what was acknowledged."""

    def __init__(self, folder: Path) -> None:
        self.rows: dict[str, str] = {}
        self.generation = 0
        self.store = Store(folder, start=1)
        self.store.open()
        self.digests = {0: Held().digest}

    def commit(self, *numbers: int) -> None:
        self.generation += 1
        changed = {f"sub-{number}": row(number, self.generation) for number in numbers}
        self.rows |= changed
        digest = digest_of(self.rows.values())
        self.digests[self.generation] = digest
        how = Pending(self.generation, "delta", "")
        held = Held(epoch=1, generation=self.generation, digest=digest)
        self.store.save_desired(held, upserts=changed, removals=[], pending=dict.fromkeys(changed, how))
        self.store.save_events({self.generation: f'{{"number":{self.generation}}}'}, settled=list(changed))


def copy_of(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for name in ("cache.db", "cache.db-wal"):
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)


def reopened(folder: Path) -> Loaded:
    store = Store(folder, start=2)
    loaded = store.open()
    store.close()
    return loaded


def check(loaded: Loaded, writer: Writer, at_least: int) -> None:
    generation = loaded.held.generation if loaded.held else 0
    assert not loaded.set_aside
    assert at_least <= generation <= writer.generation
    assert digest_of_rights(loaded.rights) == writer.digests[generation]
    assert loaded.outbox_next in (generation, generation + 1)


@pytest.mark.parametrize("torn", [False, True])
def test_every_prefix_of_a_commits_writes_opens_to_a_committed_state(tmp_path: Path, *, torn: bool) -> None:
    writer = Writer(tmp_path / "store")
    writer.commit(*range(30))
    for _ in range(3):
        writer.commit(1, 2)
    wal = tmp_path / "store" / "cache.db-wal"
    acknowledged, before = writer.generation, wal.stat().st_size
    writer.commit(3, 4, 5)
    after = wal.stat().st_size
    assert after > before
    for number, size in enumerate(range(before, after + 1, BLOCK)):
        case = tmp_path / f"case-{number}"
        copy_of(tmp_path / "store", case)
        content = (case / "cache.db-wal").read_bytes()[:size]
        if torn and size - BLOCK // 2 >= before:
            content = content[: -BLOCK // 2] + b"\x00" * (BLOCK // 2)
        (case / "cache.db-wal").write_bytes(content)
        check(reopened(case), writer, acknowledged)
    writer.store.close()


def test_a_cut_during_a_checkpoint_loses_nothing(tmp_path: Path) -> None:
    """A checkpoint copies pages into the database and syncs it before the WAL may be used anew."""
    writer = Writer(tmp_path / "store")
    writer.commit(*range(30))
    copy_of(tmp_path / "store", tmp_path / "old")
    writer.commit(*range(30))
    copy_of(tmp_path / "store", tmp_path / "new")
    # The database as it was before, during (half its pages written) and after; the WAL is still whole in all three.
    old, new = (tmp_path / name / "cache.db" for name in ("old", "new"))
    writer.store.close()
    checkpointed = (tmp_path / "store" / "cache.db").read_bytes()
    for number, size in enumerate(range(0, len(checkpointed) + 1, 4096)):
        case = tmp_path / f"case-{number}"
        copy_of(tmp_path / "new", case)
        base = old.read_bytes() if number % 2 else new.read_bytes()
        (case / "cache.db").write_bytes(checkpointed[:size] + base[size:])
        check(reopened(case), writer, writer.generation)


def test_every_commit_is_synced_before_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store", start=1)
    store.open()
    pragmas = store._cache._cache._sql
    assert pragmas("PRAGMA synchronous").fetchone() == (2,)
    assert pragmas("PRAGMA journal_mode").fetchone() == ("wal",)
    settings = dict(pragmas("SELECT key, value FROM Settings").fetchall())
    assert settings["eviction_policy"] == "none"
    assert settings["cull_limit"] == 0
    store.close()
    again = Store(tmp_path / "store", start=2)
    again.open()
    assert again._cache._cache._sql("PRAGMA synchronous").fetchone() == (2,)
    again.close()
    assert {path.name for path in (tmp_path / "store").iterdir()} <= {"cache.db", "cache.db-wal", "cache.db-shm"}


@pytest.mark.parametrize("damage", ["noise", "zeros", "short", "row"])
def test_a_damaged_store_is_set_aside_and_numbers_do_not_come_again(tmp_path: Path, damage: str) -> None:
    writer = Writer(tmp_path / "store")
    writer.commit(*range(30))
    if damage == "row":
        writer.store._cache.set("row/sub-1", row(1, 99))
    writer.store.close()
    database = tmp_path / "store" / "cache.db"
    content = database.read_bytes()
    if damage != "row":
        database.write_bytes(
            {
                "noise": content[:4096] + b"\xa5" * (len(content) - 4096),
                "zeros": b"\0" * len(content),
                "short": content[:6000],
            }[damage]
        )
    loaded = reopened(tmp_path / "store")
    assert loaded.set_aside == "store.corrupt-1"
    assert loaded.held is None
    assert loaded.outbox_next == 2 << 32
    assert (tmp_path / "store.corrupt-1" / "cache.db").exists()


def test_a_file_is_the_old_or_the_new_one_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    write_file(path, b"old")
    (tmp_path / "identity.json.new").write_bytes(b"ne")
    assert path.read_bytes() == b"old"
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
