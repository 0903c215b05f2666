"""Every test below talks to the whole API on a real database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog

from cloud.db.engine import Database
from tests.support.api import ApiUnderTest, running_api
from tests.support.postgres import copy_database


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[Any]]:
    """Catch the log, and fail a test in which something crashed that the test did not mean to crash."""
    with structlog.testing.capture_logs() as lines:
        yield lines
    assert [line for line in lines if line["log_level"] == "error"] == []


@pytest.fixture(scope="session")
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """Give one database to all tests here: each makes its own tenants, which is what tenants are for."""
    with copy_database(postgres_url, template_database) as url:
        yield url


@pytest_asyncio.fixture
async def api(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[ApiUnderTest]:
    async with running_api(database, database_url, tmp_path) as running:
        yield running
