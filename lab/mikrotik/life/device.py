"""The device mode: what a router was shipped to do, and how somebody on site changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.mikrotik.errors import Trap
from lab.mikrotik.fields.values import boolean
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb

if TYPE_CHECKING:
    from lab.mikrotik.router import Router

# What the modes of units shipped with 7.17 or later leave out, as far as an ISP meets it.
_DENIED: dict[str, frozenset[str]] = {
    "advanced": frozenset(("container", "traffic-gen")),
    "home": frozenset(("hotspot", "scheduler", "fetch", "container", "traffic-gen", "proxy", "socks", "romon")),
    "basic": frozenset(("hotspot", "container", "traffic-gen", "proxy", "socks", "romon")),
}
DEVICE_MODES = tuple(_DENIED)
# Adding in these menus needs the feature.
_NEEDS = (("/ip/hotspot", "hotspot"), ("/system/scheduler", "scheduler"))
CONFIRM_WITHIN_S = 300
_NO_SWITCHES = frozenset(("mode", "activation-timeout"))


@dataclass
class Device:
    """What this device may do. A change waits for a pressed button or a cut of the power."""

    mode: str = "advanced"
    changed: dict[str, bool] = field(default_factory=dict)
    _asked: dict[str, str] = field(default_factory=dict)
    _until_us: int = 0

    def __post_init__(self) -> None:
        if self.mode not in _DENIED:
            raise ValueError(f"no device mode {self.mode}: take one of {', '.join(_DENIED)}")

    def allows(self, feature: str) -> bool:
        return self.changed.get(feature, feature not in _DENIED[self.mode])

    def refuse(self, path: str, verb: str) -> None:
        """A Trap when this mode has no such feature. Only adding is refused: what is there can be taken away."""
        if verb != "add":
            return
        for prefix, feature in _NEEDS:
            if path.startswith(prefix) and not self.allows(feature):
                raise Trap("failure: not allowed by device-mode")

    def ask(self, wanted: dict[str, str], now_us: int) -> None:
        """What `update` does: nothing yet."""
        self._asked, self._until_us = wanted, now_us + CONFIRM_WITHIN_S * 1_000_000

    def confirm(self, now_us: int) -> None:
        """The button was pressed or the power cut: what was asked for within the last minutes holds."""
        if now_us <= self._until_us:
            self.mode = self._asked.get("mode", self.mode)
            self.changed |= {name: boolean(v) == "true" for name, v in self._asked.items() if name not in _NO_SWITCHES}
        self._asked, self._until_us = {}, 0


def serve_device_mode(router: Router) -> None:
    """Bring `/system/device-mode/update`."""

    def update(command: Command, _access: Access) -> Outcome:
        table = router.tables.get(command.path)  # a RouterOS 6 has no such menu
        for name, value in command.attributes.items():
            if name not in table.fields and name not in _NO_SWITCHES:
                raise router.editor.unknown(name)
            if name == "mode" and value not in _DENIED:
                raise Trap(f"input does not match any value of {name}", 1)
            if name not in _NO_SWITCHES and value not in ("yes", "no", "true", "false"):
                raise Trap(f"invalid value for argument {name}", 1)
        router.device.ask(dict(command.attributes), router.now_us())
        return Done()

    router.verbs["/system/device-mode", "update"] = Verb(update)
