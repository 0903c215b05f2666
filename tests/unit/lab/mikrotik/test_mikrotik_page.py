"""The page about the simulated router names every belief that can be turned."""

from dataclasses import fields
from pathlib import Path

import pytest

from lab.mikrotik.switches import Switches

PAGE = Path(__file__).parents[4] / "docs" / "simulated-router.md"


@pytest.mark.parametrize("name", [field.name for field in fields(Switches)])
def test_every_switch_stands_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE.read_text(encoding="utf-8")
