"""Routers of three versions, each as a process of its own, for other people's clients."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

# In the project's own environment there are no strange clients: `make test-clients` has them.
if find_spec("routeros_api") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    from mikrotik.routers import MNARA_LAB, NOW, OLD, VERY_OLD, Router, started

    if shutil.which(MNARA_LAB[0]) is None:
        pytest.exit(f"{MNARA_LAB[0]} is not there: run `make env`, or say in MNARA_LAB how to start one.", 2)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("routers")


@pytest.fixture(scope="module")
def routers(folder: Path) -> Iterator[dict[str, Router]]:
    """One of each version for every file of tests: what one client left behind must not be another's."""
    with started(NOW, folder) as now, started(OLD, folder) as old, started(VERY_OLD, folder) as very_old:
        yield {NOW: now, OLD: old, VERY_OLD: very_old}


@pytest.fixture(params=["7.18.2", "6.49.10"])
def router(request: pytest.FixtureRequest, routers: dict[str, Router]) -> Router:
    """Each test runs on both personalities."""
    return routers[request.param]


@pytest.fixture
def now(routers: dict[str, Router]) -> Router:
    return routers[NOW]


@pytest.fixture
def very_old(routers: dict[str, Router]) -> Router:
    return routers[VERY_OLD]


@pytest.fixture(scope="session")
def anonymous(folder: Path) -> Iterator[Router]:
    """A router whose api-ssl has no certificate."""
    folder = folder / "anonymous"
    folder.mkdir()
    with started(NOW, folder, "--tls-anonymous") as router:
        yield router
