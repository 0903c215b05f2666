"""Every story below runs on a real PostgreSQL, through the webhooks and the API, on a clock that the story moves."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from cloud.db.engine import Database
from tests.scenarios.cloud.rig import START, Town
from tests.support.api import running_api
from tests.support.clocks import SetClock


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """Catch the log, and fail a story in which something crashed."""
    with structlog.testing.capture_logs() as lines:
        yield lines
    assert [line for line in lines if line["log_level"] == "error"] == []


@pytest_asyncio.fixture
async def town(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """Give a cloud without tenants, and leave it with honest books whatever the story was."""
    clock = SetClock(START)
    async with running_api(database, database_url, tmp_path, clock=clock) as api:
        town = Town(api, clock, database_url)
        yield town
        await town.assert_honest_books()
