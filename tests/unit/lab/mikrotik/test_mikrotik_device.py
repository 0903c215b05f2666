"""What depends on the box: its board, its device mode, its sensors, its version's shape of menus."""

from collections.abc import Callable

import pytest

from lab.mikrotik.router import Router, Setup
from tests.unit.lab.mikrotik.conftest import Console

NewConsole = Callable[..., Console]


def test_a_virtual_router_has_no_routerboard_and_no_sensors(new_console: NewConsole) -> None:
    real, virtual = new_console(), new_console(board="CHR")
    assert real.rows("/system/routerboard/print")[0]["current-firmware"] == "7.18.2"
    assert virtual.trap("/system/routerboard/print") == ("no such command prefix", 0)
    assert virtual.rows("/system/health/print") == []
    assert virtual.rows("/system/resource/print")[0]["board-name"].startswith("CHR")
    assert "system-id" in virtual.rows("/system/license/print")[0]
    assert "software-id" in real.rows("/system/license/print")[0]


def test_health_is_one_row_of_fields_in_version_6_and_rows_of_values_since(new_console: NewConsole) -> None:
    (row,) = new_console(version="6.49").rows("/system/health/print")
    assert row == {"voltage": "24.1", "temperature": "41"}
    rows = new_console().rows("/system/health/print", "=.proplist=name,value,type")
    assert rows[0] == {"name": "voltage", "value": "24.1", "type": "V"}


def test_menus_that_came_with_version_7_are_unknown_before(new_console: NewConsole) -> None:
    old = new_console(version="6.49")
    for menu in ("/system/device-mode", "/system/ntp/client/servers"):
        assert old.trap(f"{menu}/print") == ("no such command prefix", 0)
    assert old.trap("/system/device-mode/update", "=hotspot=yes") == ("no such command prefix", 0)
    assert "type" not in old.rows("/tool/netwatch/print", f"?.id={old.add('/tool/netwatch', host='1.1.1.1')}")[0]
    assert "rest-api" not in old.rows("/user/group/print", "?name=full")[0]["policy"]
    assert "tikapp" in old.rows("/user/group/print", "?name=full")[0]["policy"]
    assert old.trap("/user/group/add", "=name=g", "=policy=rest-api")[1] == 1


def test_a_unit_in_home_mode_has_no_hotspot_and_no_schedules_until_somebody_cuts_the_power(
    new_console: NewConsole,
) -> None:
    console = new_console(device_mode="home")
    (row,) = console.rows("/system/device-mode/print")
    assert (row["mode"], row["hotspot"], row["scheduler"]) == ("home", "false", "false")
    add = ("/system/scheduler/add", "=name=x")
    assert console.trap(*add) == ("failure: not allowed by device-mode", None)
    console.say("/system/device-mode/update", "=scheduler=yes")
    console.router.reboot()
    assert console.rows("/system/device-mode/print")[0]["scheduler"] == "false", "a reboot is not enough"
    console.say("/system/device-mode/update", "=scheduler=yes")
    console.wait_s(301)
    power_cut(console.router)
    assert console.rows("/system/device-mode/print")[0]["scheduler"] == "false", "too late"
    console.say("/system/device-mode/update", "=scheduler=yes")
    power_cut(console.router)
    console.say(*add)
    assert console.rows("/system/device-mode/print")[0]["hotspot"] == "false"


def test_an_update_of_the_mode_names_what_there_is(console: Console) -> None:
    assert console.trap("/system/device-mode/update", "=foo=yes")[0] == "unknown parameter foo"
    assert console.trap("/system/device-mode/update", "=mode=wild")[1] == 1
    assert console.trap("/system/device-mode/update", "=hotspot=perhaps")[1] == 1


@pytest.mark.parametrize("setup", [{"board": "C64"}, {"device_mode": "wild"}])
def test_a_box_that_nobody_makes_is_refused(setup: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="take one of"):
        Router(Setup(**setup))  # type: ignore[arg-type]  # the wrong ones on purpose


def power_cut(router: Router) -> None:
    router.go_down("")
    router.come_up()


def test_an_expired_password_is_shown_until_another_is_set(console: Console) -> None:
    console.say("/user/expire-password", "=.id=admin")
    assert console.rows("/user/print")[0]["expired"] == "true"
    console.say("/user/set", "=.id=admin", "=password=another")
    assert console.rows("/user/print")[0]["expired"] == "false"


def test_addresses_of_users_and_services_read_with_their_length(console: Console) -> None:
    console.say("/user/set", "=.id=admin", "=address=10.0.0.2,192.168.0.0/16")
    assert console.rows("/user/print")[0]["address"] == "10.0.0.2/32,192.168.0.0/16"
    assert console.trap("/ip/service/set", "=.id=api", "=address=office") == (
        "invalid value for argument address", 1,
    )  # fmt: skip
