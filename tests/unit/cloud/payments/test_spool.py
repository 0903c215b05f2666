"""The spool: what was acknowledged is drained, once per key, whatever tore."""

from itertools import count
from pathlib import Path

import pytest

from cloud.payments.spool import Spool, SpoolFull, SpoolRecord


def _spool(folder: Path, start: int = 0, **limits: int) -> Spool:
    numbers = count(start)
    return Spool(folder, lambda: f"segment-{next(numbers):04d}", **limits)


def _drain(spool: Spool) -> list[SpoolRecord]:
    found: list[SpoolRecord] = []
    for segment in spool.drain():
        found += segment.records()
        segment.remove()
    return found


def test_what_was_appended_is_drained_in_order_and_then_gone(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.append([b"one", b"two"])
    spool.append([b"three"])
    assert not spool.is_empty()
    assert [record.payload for record in _drain(spool)] == [b"one", b"two", b"three"]
    assert spool.is_empty()
    assert _drain(spool) == []


def test_draining_again_after_a_crash_gives_the_same_keys(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.append([b"one", b"two"])
    first = [record for segment in spool.drain() for record in segment.records()]  # killed before remove()
    assert _drain(_spool(tmp_path, 100)) == first


def test_a_torn_last_record_hides_nothing_before_it(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.append([b"whole", b"torn by the power cut"])
    spool.rotate()
    path = next(tmp_path.glob("*.spool"))
    whole = path.read_bytes()
    for length in range(len(whole)):
        folder = tmp_path / f"cut-{length}"
        folder.mkdir()
        (folder / path.name).write_bytes(whole[:length])
        payloads = [record.payload for record in _drain(_spool(folder, 100))]
        assert payloads == ([b"whole"] if length >= 13 else [])
        assert _spool(folder).is_empty()


def test_a_flipped_bit_is_set_aside_and_never_drained(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.append([b"one", b"two"])
    spool.rotate()
    path = next(tmp_path.glob("*.spool"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert [record.payload for record in _drain(spool)] == [b"one"]
    assert [found.suffix for found in tmp_path.iterdir()] == [".damaged"]


def test_a_segment_that_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    writer = _spool(tmp_path)
    writer.append([b"mine"])
    assert _drain(_spool(tmp_path, 100)) == []
    writer.rotate()
    assert [record.payload for record in _drain(_spool(tmp_path, 100))] == [b"mine"]


def test_the_spool_refuses_beyond_its_bound(tmp_path: Path) -> None:
    spool = _spool(tmp_path, bytes_max=64)
    spool.append([b"x" * 40])
    with pytest.raises(SpoolFull):
        spool.append([b"x" * 40])
    assert len(_drain(spool)) == 1


def test_a_disk_that_is_gone_is_said_so(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    with pytest.raises(SpoolFull):
        spool.append([b"one"])


def test_a_disk_that_comes_back_takes_records_again(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    (tmp_path / "spool").rmdir()
    with pytest.raises(SpoolFull):
        spool.append([b"lost to a retry"])
    (tmp_path / "spool").mkdir()
    spool.append([b"kept"])
    assert [record.payload for record in _drain(spool)] == [b"kept"]


def test_the_folder_is_private(tmp_path: Path) -> None:
    _spool(tmp_path / "spool")
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700


def test_a_drain_that_was_broken_off_holds_nothing_back(tmp_path: Path) -> None:
    """Whoever drained may keep the half-read records (a traceback does): the next drain must have them all the same."""
    spool = _spool(tmp_path)
    spool.append([b"one", b"two"])
    drain = spool.drain()
    half_read = next(drain).records()
    next(half_read)
    drain.close()
    assert [record.payload for record in _drain(spool)] == [b"one", b"two"]
