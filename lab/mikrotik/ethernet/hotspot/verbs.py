"""The hotspot's own verbs over the API: log in, bind a host, count a user anew."""

from lab.mikrotik.errors import HotspotError, Trap
from lab.mikrotik.ethernet.hotspot.gate import Hotspot
from lab.mikrotik.ethernet.hotspot.presence import Presence
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb, Verbs
from lab.mikrotik.speech.edit import Editor, rows_meant
from lab.mikrotik.store.tables import Tables

_LOGIN_ARGUMENTS = frozenset(("user", "password", "ip", "mac-address", "domain"))
_BINDING_ARGUMENTS = frozenset(("address", "mac-address", "to-address", "server", "type", "comment", "disabled"))


class HotspotVerbs:
    """`active/login`, `host/make-binding`, `user/reset-counters`."""

    def __init__(self, tables: Tables, editor: Editor, hotspot: Hotspot) -> None:
        self._tables = tables
        self._editor = editor
        self._hotspot = hotspot

    def all(self) -> Verbs:
        return {
            ("/ip/hotspot/active", "login"): Verb(self._login),
            ("/ip/hotspot/host", "make-binding"): Verb(self._make_binding),
            ("/ip/hotspot/user", "reset-counters"): Verb(self._reset_counters),
        }

    def _login(self, command: Command, _access: Access) -> Outcome:
        said = command.attributes
        _known(said, _LOGIN_ARGUMENTS)
        if not said.get("user"):
            raise Trap("missing value(s) of argument(s) user")
        try:
            self._hotspot.log_in_by_api(self._presence(said), said["user"], said.get("password", ""))
        except HotspotError as error:
            raise Trap(str(error)) from error
        return Done()

    def _presence(self, said: dict[str, str]) -> Presence:
        """The host meant by `ip`, by `mac-address`, or by both where they agree."""
        ip, mac = said.get("ip", ""), said.get("mac-address", "").upper()
        presences = self._hotspot.presences
        presence = presences.at_address(ip) if ip else presences.of_mac(mac)
        if presence is None or (mac and presence.host.mac != mac):
            raise Trap(f"unknown host IP {ip}" if ip else f"unknown host MAC {mac}")
        return presence

    def _make_binding(self, command: Command, _access: Access) -> Outcome:
        said = {name: value for name, value in command.attributes.items() if name not in (".id", "numbers")}
        _known(said, _BINDING_ARGUMENTS)
        for row in rows_meant(self._tables.get("/ip/hotspot/host"), meant(command)):
            known = {name: row.get(name) for name in ("mac-address", "address", "to-address", "server")}
            self._editor.add(self._tables.get("/ip/hotspot/ip-binding"), known | said)
        return Done()

    def _reset_counters(self, command: Command, _access: Access) -> Outcome:
        for row in rows_meant(self._tables.get("/ip/hotspot/user"), meant(command)):
            self._hotspot.logins.users.reset(row)
        return Done()


def meant(command: Command) -> str | None:
    """The rows a command names."""
    return command.attributes.get(".id", command.attributes.get("numbers"))


def _known(said: dict[str, str], names: frozenset[str]) -> None:
    for name in said:
        if name not in names:
            raise Trap(f"unknown parameter {name}")
