"""librouteros' helper for whole configurations: export, import, backup, and the rollback that fires by itself."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from librouteros import connect
from librouteros.api import Api
from librouteros.config import Config
from librouteros.exceptions import LibRouterosError, TrapError
from mikrotik.routers import NOW, PASSWORD, USER, Router, started


def dial(router: Router) -> Api:
    return connect(router.host, USER, PASSWORD, port=router.port, timeout=10)


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """A router of its own: these tests take it back in time."""
    with started(NOW, tmp_path_factory.mktemp("config")) as router:
        if "/file" not in menus(router):
            pytest.skip("this simulator has no files yet")
        yield router


@pytest.fixture
def config(tower: Router) -> Iterator[Config]:
    api = dial(tower)
    yield Config(api)
    api.close()


def menus(router: Router) -> set[str]:
    """Which of the menus that the helper needs are there."""
    api = dial(router)
    found = set()
    for menu in ("/file", "/system/scheduler"):
        try:
            tuple(api(f"{menu}/print"))
            found.add(menu)
        except TrapError:
            pass
    api.close()
    return found


def test_an_export_is_read_back_through_a_file(config: Config, tower: Router) -> None:
    tower.ask("script", text="/ip pool add name=exported ranges=192.0.2.1-192.0.2.9")
    text = config.export()
    assert "RouterOS 7.18.2" in text.splitlines()[0]
    assert "add name=exported ranges=192.0.2.1-192.0.2.9" in text
    assert config.compare(text) == ""
    assert "/ip address" not in config.export(path="ip/pool")


def test_a_script_is_checked_then_applied(config: Config, tower: Router) -> None:
    script = "/ip pool\nadd name=applied ranges=192.0.2.20\n"
    config.validate(script)
    assert "applied" not in {row["name"] for row in tower.rows("/ip/pool")}
    config.apply(script)
    assert tower.row("/ip/pool", "applied")["ranges"] == "192.0.2.20"
    with pytest.raises(TrapError):
        config.apply("/ip pool add name=applied ranges=192.0.2.20\n")


def test_a_script_with_a_word_no_router_knows_changes_nothing(config: Config, tower: Router) -> None:
    with pytest.raises(TrapError, match="line 2"):
        config.apply("/ip pool add name=half ranges=192.0.2.50\n/bogus/path set x=1\n")
    assert "half" not in {row["name"] for row in tower.rows("/ip/pool")}


def test_a_backup_brings_back_what_was(config: Config, tower: Router) -> None:
    config.backup_save("before")
    assert config.backup_exists("before")
    tower.ask("script", text="/ip pool add name=after-backup ranges=192.0.2.30")
    boots = boots_of(tower)
    with suppress(LibRouterosError, OSError):  # the answer may be lost with the connection
        config.backup_load("before")
    wait_until_up(tower, boots)
    assert "after-backup" not in {row["name"] for row in tower.rows("/ip/pool")}


def test_a_rollback_is_armed_and_called_off(config: Config) -> None:
    config.arm_rollback(60)
    assert config.rollback_pending()
    config.cancel_rollback()
    assert not config.rollback_pending()


def test_a_rollback_nobody_calls_off_takes_the_router_back(config: Config, tower: Router) -> None:
    boots = boots_of(tower)
    config.arm_rollback(1)
    tower.ask("script", text="/ip pool add name=mistake ranges=192.0.2.40")
    wait_until_up(tower, boots)
    assert "mistake" not in {row["name"] for row in tower.rows("/ip/pool")}


def boots_of(router: Router) -> int:
    return len(router.ask("events", kind="reboot")["events"])


def wait_until_up(router: Router, boots: int) -> None:
    """Until it has booted once more than so often, and lets us in."""
    deadline = time.monotonic() + 20
    while boots_of(router) == boots:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while True:
        try:
            dial(router).close()
        except (LibRouterosError, OSError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return
