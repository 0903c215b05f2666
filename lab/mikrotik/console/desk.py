"""The console of one router: runs scripts for whoever may, keeps global variables, files and what waits for a boot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.mikrotik.console.backup import Backups
from lab.mikrotik.console.certificates import Certificates
from lab.mikrotik.console.environment import Environment
from lab.mikrotik.console.export import Exporter
from lab.mikrotik.console.fetch import Fetching
from lab.mikrotik.console.files import Files
from lab.mikrotik.console.happenings import attend
from lab.mikrotik.console.importing import Importer
from lab.mikrotik.console.live import bind
from lab.mikrotik.console.reader import Reader
from lab.mikrotik.console.runner import Runner
from lab.mikrotik.console.schedulers import Schedulers
from lab.mikrotik.console.scripts import Scripts
from lab.mikrotik.console.signals import Stopped
from lab.mikrotik.console.tree import Block, Code
from lab.mikrotik.console.values import Value
from lab.mikrotik.errors import ScriptError
from lab.mikrotik.journal import ConnectionRecord
from lab.mikrotik.speech.commands import Access, everything
from lab.mikrotik.speech.language import Language

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

# A script that runs scripts that run scripts.
MAX_RUNNING = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script put out, and what it returned."""

    output: str
    value: Value


class Desk:
    """One per router."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.language = Language(router)
        self.environment = Environment(router.tables)
        self.on_reboot: Callable[[], None] = router.reboot
        """Takes the router down and up; a served router drops its connections as well."""
        bind(router.tables)
        self.files = Files(router)
        self.scripts = Scripts(self)
        self.schedulers = Schedulers(router, self.scripts)
        self.exporter = Exporter(self)
        self.backups = Backups(self)
        self.certificates = Certificates(self)
        self.fetching = Fetching(router)
        attend(self)
        self.importer = Importer(self)
        self._at_boot: list[Callable[[], None]] = []
        self._after_boot: list[Callable[[], None]] = []
        self._running = 0

    # -- names, for the reader ----------------------------------------------------------------------------------

    def steps(self, path: str) -> frozenset[str]:
        """What stands directly below a menu."""
        below = path + "/"
        known = (*(table.menu.path for table in self.router.tables), *(own for own, _ in self.router.verbs))
        return frozenset(one[len(below) :].partition("/")[0] for one in known if one.startswith(below) and one != below)

    def verbs(self, path: str) -> frozenset[str]:
        own = frozenset(verb for where, verb in self.router.verbs if where == path)
        if path == "/system":
            own |= {"reboot", "shutdown"}
        tables = self.router.tables
        return own | (tables.get(path).menu.verbs if tables.has(path) else frozenset())

    # -- scripts ------------------------------------------------------------------------------------------------

    def run(
        self, text: str, access: Access | None = None, variables: dict[str, Value] | None = None, *, whole: bool = True
    ) -> Outcome:
        """Run a script, or raise ScriptError with its line. Unless it is read `whole`, what stands before a line
        that cannot be read has run already."""
        runner = Runner(self, access or self.anybody(), variables)
        if self._running >= MAX_RUNNING:
            raise ScriptError(1, "too many scripts are running")
        self._running += 1
        try:
            value = runner.run(text, self, whole=whole)
        except Stopped:
            value = None
        finally:
            self._running -= 1
        return Outcome("\n".join(runner.output), value)

    def anybody(self, user: str = "script") -> Access:
        """Somebody at the console who may do everything."""
        return everything(ConnectionRecord(0, self.router.clock.now_us(), user=user), user)

    def parse(self, text: str) -> Value:
        """`:parse`: text as commands to be run later."""
        return Code(text, Block(tuple(Reader(text, self).calls())))

    # -- boots --------------------------------------------------------------------------------------------------

    def reboot(self) -> None:
        """Go down and up, doing in between what waits for it."""
        self.on_reboot()

    def before_boot(self, act: Callable[[], None]) -> None:
        """Do this while the router is down the next time."""
        self._at_boot.append(act)

    def after_boot(self, act: Callable[[], None]) -> None:
        """Do this as soon as the router has come up the next time."""
        self._after_boot.append(act)

    def woken(self) -> None:
        """The router comes up: what waited for it."""
        waiting, self._at_boot = self._at_boot, []
        for act in waiting:
            act()

    def started(self) -> None:
        """The router is up again: schedulers begin anew."""
        waiting, self._after_boot = self._after_boot, []
        for act in waiting:
            act()
        self.schedulers.woken()
