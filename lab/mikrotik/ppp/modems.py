"""The subscribers' modems: they dial, and those told to keep dialling dial again when they are dropped."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.mikrotik.errors import DialError
from lab.mikrotik.ppp.sessions import Session, Sessions
from lab.mikrotik.timers import Timer, Timers

DEFAULT_REDIAL_S = 3.0
MIN_REDIAL_S = 0.01


@dataclass(slots=True)
class Modem:
    """One modem: what it dials with, and how long it waits before it tries again."""

    user: str
    password: str
    every_us: int | None = None
    caller_id: str | None = None
    timer: Timer | None = None


class Modems:
    """All modems behind the tower, by user name."""

    def __init__(self, sessions: Sessions, timers: Timers) -> None:
        self._sessions = sessions
        self._timers = timers
        self._modems: dict[str, Modem] = {}
        self.now_us: Callable[[], int] = lambda: 0

    def dial(self, user: str, password: str, caller_id: str | None = None) -> Session:
        """One try."""
        modem = self._modems.setdefault(user, Modem(user, password))
        modem.password, modem.caller_id = password, caller_id
        return self._sessions.dial(user, password, caller_id)

    def keep_dialling(self, user: str, password: str, every_s: float) -> None:
        """Dial now if offline, and again `every_s` after each refusal or drop, until hung up."""
        modem = self._modems.setdefault(user, Modem(user, password))
        modem.password = password
        modem.every_us = int(max(every_s, MIN_REDIAL_S) * 1_000_000)
        if not self._is_online(user):
            self._try(modem)

    def hang_up(self, user: str) -> bool:
        """Switch the modem off: it ends its sessions and does not come back. False when it was not online."""
        modem = self._modems.pop(user, None)
        if modem is not None and modem.timer is not None:
            modem.timer.cancel()
        session = self._sessions.of_user(user)
        if session is None:
            return False
        while session is not None:
            self._sessions.end(session, "peer-request")
            session = self._sessions.of_user(user)
        return True

    def vanish(self, user: str) -> bool:
        """The modem loses its power: no word to the router, and no dialling until somebody calls it again. False
        when it was not online."""
        modem = self._modems.pop(user, None)
        if modem is not None and modem.timer is not None:
            modem.timer.cancel()
        session = self._sessions.of_user(user)
        if session is None:
            return False
        session.silent = True
        return True

    def dropped(self, session: Session) -> None:
        """The router ended a session; its modem notices."""
        modem = self._modems.get(session.user)
        if modem is not None and modem.every_us is not None:
            self._later(modem)

    def password_of(self, user: str) -> str | None:
        modem = self._modems.get(user)
        return None if modem is None else modem.password

    def _is_online(self, user: str) -> bool:
        """A session that lingers on the router after its modem vanished is none for the modem."""
        session = self._sessions.of_user(user)
        return session is not None and not session.silent

    def _try(self, modem: Modem) -> None:
        modem.timer = None
        if self._modems.get(modem.user) is not modem or self._is_online(modem.user):
            return
        try:
            self._sessions.dial(modem.user, modem.password, modem.caller_id)
        except DialError:
            self._later(modem)

    def _later(self, modem: Modem) -> None:
        if modem.timer is not None:
            modem.timer.cancel()
        wait_us = modem.every_us or int(DEFAULT_REDIAL_S * 1_000_000)
        modem.timer = self._timers.at(self.now_us() + wait_us, lambda: self._try(modem))
