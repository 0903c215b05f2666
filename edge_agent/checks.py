"""`mnara-agent check`: what an installer wants to know before driving home, one line each."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_agent.assembly import address_of
from edge_agent.clock import Clock
from edge_agent.domain.rules import Trouble
from edge_agent.domain.wanted import BASE_PROFILE
from edge_agent.errors import AgentError
from edge_agent.link.certificate import check_certificate
from edge_agent.routeros.line import Line
from edge_agent.routeros.rules import POLICIES, judge_base, read_rules
from edge_agent.setup import check_router
from edge_agent.store.cache import is_sound
from edge_agent.store.identity import DataFolder

_CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: good, or what is wrong and what to do."""

    name: str
    good: bool
    text: str


def run_checks(data: Path) -> Iterator[Finding]:
    """Check identity, certificate, store, router and broker; one that fails does not stop the others."""
    folder = DataFolder(data)
    checks: list[tuple[str, Callable[[DataFolder], str | list[Trouble]]]] = [
        ("identity", _identity),
        ("certificate", _certificate),
        ("store", _store),
        ("router", _router),
        ("profile", _profile),
        ("rules", _rules),
        ("broker", _broker),
    ]
    for name, check in checks:
        try:
            found = check(folder)
            if isinstance(found, str):
                yield Finding(name, good=True, text=found)
            else:
                yield from (Finding(name, good=False, text=f"{one.what}: {one.fix}") for one in found)
        except AgentError as error:
            yield Finding(name, good=False, text=f"{error.what}: {error.fix}")
        except OSError as error:
            yield Finding(name, good=False, text=f"{type(error).__name__}: {error}")


def _identity(folder: DataFolder) -> str:
    identity = folder.get_identity()
    return f"{identity.agent} at {identity.site_name}"


def _certificate(folder: DataFolder) -> str:
    return f"good until {check_certificate(folder.certificate_path, Clock().wall_us()):%Y-%m-%d}"


def _store(folder: DataFolder) -> str:
    if not is_sound(folder.store_path):
        return "broken: it will be set aside and fetched anew at the next start"
    return "sound" if folder.store_path.exists() else "empty"


def _router(folder: DataFolder) -> str:
    address = address_of(folder.get_router())
    line = check_router(address)
    line.close()
    policies = ", ".join(POLICIES)
    return f"{line.health.identity}, RouterOS {line.health.version}; user {address.user} may {policies}"


def _profile(folder: DataFolder) -> str | list[Trouble]:
    with _line(folder) as line:
        line.session()
        return judge_base(line.base) or f"{BASE_PROFILE} is there"


def _rules(folder: DataFolder) -> str | list[Trouble]:
    with _line(folder) as line:
        return read_rules(line.session(), Clock()) or "all there, in order, above any fasttrack"


@contextmanager
def _line(folder: DataFolder) -> Iterator[Line]:
    clock = Clock()
    line = Line(address_of(folder.get_router()), clock, clock.random)
    try:
        yield line
    finally:
        line.close()


def _broker(folder: DataFolder) -> str:
    broker = folder.get_identity().broker
    with socket.create_connection((broker.host, broker.port), _CONNECT_TIMEOUT_S):
        return f"{broker.host}:{broker.port} answers"
