"""A line to the router: one session, opened when needed, greeted, and opened again after an outage."""

from typing import Final, Protocol

from edge_agent.errors import AgentError, RouterRefused
from edge_agent.routeros.client import Address, BootClock, Session, open_session
from edge_agent.routeros.connections import ConnectionQuery, ConnectionSearch
from edge_agent.routeros.fields import OLDEST, version_of
from edge_agent.routeros.read import BASE, BASE_FIELDS, HEALTH, Health, health_of
from edge_agent.routeros.roads import FAST_TIMEOUT_S

CONNECT_TIMEOUT_S: Final = 5.0
BACKOFF_FIRST_S: Final = 0.25
BACKOFF_MAX_S: Final = 10.0


class Randomness(Protocol):
    """What jitter needs."""

    def uniform(self, a: float, b: float) -> float:
        """A number between a and b."""


class Line:
    """Owned by one thread."""

    def __init__(
        self, address: Address, clock: BootClock, randomness: Randomness, query: ConnectionQuery = "range"
    ) -> None:
        self._address = address
        self._query: ConnectionQuery = query
        self._clock = clock
        self._randomness = randomness
        self._failures = 0
        self._session: Session | None = None
        self.health = Health("", "", None, None)
        self.base: dict[str, str] = {}
        """The base profile's values; empty when the router has no such profile."""
        self.connections = ConnectionSearch(query)

    @property
    def open(self) -> bool:
        """Whether there is a session that was not closed."""
        return self._session is not None

    def session(self) -> Session:
        """Return the session, opening and greeting it if there is none; raises RouterUnreachable or RouterRefused."""
        if self._session is None:
            session = open_session(self._address, timeout_s=CONNECT_TIMEOUT_S)
            try:
                self._greet(session)
            except AgentError:
                session.hang_up()
                raise
            self._session = session
            self.connections = ConnectionSearch(self._query)
            self._failures = 0
        return self._session

    def _greet(self, session: Session) -> None:
        answers = session.batch((*HEALTH, BASE), clock=self._clock, timeout_s=FAST_TIMEOUT_S)
        for answer in answers:
            if answer.trap and "permission" in answer.trap:
                raise lacking_policy("read")
        self.health = health_of(answers)
        if version_of(self.health.version) < OLDEST:
            raise RouterRefused(
                f"RouterOS {self.health.version or 'of unknown version'} is too old",
                f"upgrade the router to {OLDEST[0]}.{OLDEST[1]} or newer",
            )
        rows = answers[2].rows
        self.base = {name: rows[0][name] for name in BASE_FIELDS if rows and rows[0].get(name)}

    def check_health(self) -> Health:
        """Ask how the router is; also keeps the session alive."""
        session = self.session()
        self.health = health_of(session.batch(HEALTH, clock=self._clock, timeout_s=FAST_TIMEOUT_S))
        return self.health

    def drop(self) -> float:
        """Close the session after trouble; returns how long to wait before the next try, in seconds."""
        self.close()
        most = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** min(self._failures, 10))
        self._failures += 1
        return self._randomness.uniform(0.0, most)

    def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.hang_up()
            self._session = None


def lacking_policy(policy: str) -> RouterRefused:
    """Say that the router's user may not do what we need."""
    return RouterRefused(
        f"the router's user lacks the policy {policy}",
        "give the user's group the policies api, read and write (run the script of `mnara-provision router script`)",
    )
