"""The house's router is a program of its own: scripted as an installer would, dialled, cut off, rebooted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.house import PAY_ADDRESS, House, Plans
from lab.people import ELSEWHERE, count_online
from lab.servers import EmbeddedServers
from lab.waiting import until

SUBSCRIBER = (
    "/ppp secret add name=jane password=secret service=pppoe profile=mnara-base remote-address=100.64.0.9\n"
    "/ip firewall address-list add list=mnara-walled address=100.64.0.9"
)
FREE = "/ip firewall address-list remove [find list=mnara-walled address=100.64.0.9]"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(Plans(tmp_path), EmbeddedServers()) as built:
        await built.start_router()
        await built.router.ask("script", text=SUBSCRIBER)
        yield built


async def test_the_walled_reach_the_pay_page_alone_until_their_row_is_gone(house: House) -> None:
    await house.router.ask("redial", user="jane", password="secret", every_s=0.1)
    assert await house.router.reaches("jane", PAY_ADDRESS, port=80)
    assert not await house.router.reaches("jane", ELSEWHERE)
    await house.router.ask("script", text=FREE)
    assert await house.router.reaches("jane", ELSEWHERE)


async def test_modems_are_back_after_a_reboot_and_the_wall_still_stands(house: House) -> None:
    await house.router.ask("redial", user="jane", password="secret", every_s=0.1)
    assert (await house.router.ask("reboot"))["boots"] == 2
    await until("the modem", lambda: count_online(house.router), lambda seen: seen == 1, limit_s=5)
    assert not await house.router.reaches("jane", ELSEWHERE)


async def test_the_end_of_a_house_leaves_no_program_behind(house: House) -> None:
    router = house.programs["router"]
    assert await router.stop()
    assert not router.alive
