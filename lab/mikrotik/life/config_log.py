"""What the router writes into its log when somebody changes the configuration."""

from lab.mikrotik.life.log import Log
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome
from lab.mikrotik.store.table import Table
from lab.mikrotik.store.tables import Tables

# From here on the line names the road and the command. Seen on 7.24; where it began is not known.
CONFIG_LOG_SINCE = (7, 12)
MAX_TEXT = 1_000
TOPICS = "system,info"
_VERBS = {
    "add": "added", "remove": "removed", "move": "moved", "set": "changed", "unset": "changed", "enable": "changed",
    "disable": "changed", "comment": "changed",
}  # fmt: skip
# What the line calls a row. The first three, the log rule and netwatch are quoted by public log readers, the rest are
# made alike.
_NOUNS = {
    "/ppp/secret": "ppp secret",
    "/ppp/profile": "ppp profile",
    "/system/script": "script",
    "/system/logging": "log rule",
    "/tool/netwatch": "Netwatch config",
    "/ip/firewall/filter": "filter rule",
    "/ip/firewall/nat": "nat rule",
    "/ip/firewall/mangle": "mangle rule",
    "/ip/firewall/raw": "raw rule",
    "/ip/firewall/address-list": "address list entry",
    "/queue/simple": "simple queue",
    "/ip/hotspot/user": "hotspot user",
    "/ip/hotspot/user/profile": "hotspot user profile",
    "/ip/dhcp-server/lease": "dhcp lease",
    "/interface/pppoe-server/server": "pppoe server",
    "/system/clock": "system time",
}
_BRACKETED = frozenset(("/ppp/secret", "/ppp/profile"))
_SECRET = frozenset(("password", "mac-auth-password", "secret", "otp-secret", "totp-secret", "passphrase"))


class ConfigLog:
    """Told of every write that was done."""

    def __init__(self, log: Log, tables: Tables, *, full: bool) -> None:
        self._log = log
        self._tables = tables
        self._full = full and tables.version >= CONFIG_LOG_SINCE
        self._actions = 0

    def written(self, command: Command, access: Access, outcome: Outcome) -> None:
        """One line."""
        done = _VERBS.get(command.verb)
        if done is None or not isinstance(outcome, Done):
            return
        table = self._tables.get(command.path) if self._tables.has(command.path) else None
        what = self._what(command, table, outcome.ret)
        self._log.write(TOPICS, f"{what} {done} by {self._who(command, access, outcome.ret)}"[:MAX_TEXT])

    def _what(self, command: Command, table: Table | None, made: str | None) -> str:
        noun = _NOUNS.get(command.path, command.path.rpartition("/")[2].replace("-", " "))
        if table is None or command.path not in _BRACKETED or command.verb == "remove":
            return noun
        row = table.find(made or command.attributes.get(".id", ""))
        return noun if row is None else f"{noun} <{row.get('name')}>"

    def _who(self, command: Command, access: Access, made: str | None) -> str:
        if not self._full:
            return access.user
        self._actions += 1
        road = f"api:{access.user}@{access.address}" if access.address else access.user
        words = [command.path.replace("/", " ").strip(), command.verb]
        target = command.attributes.get(".id", command.attributes.get("numbers", ""))
        words += [target] if target else []
        words += [
            f"{name}={'*****' if name in _SECRET else _quoted(value)}"
            for name, value in sorted(command.attributes.items()) if name not in (".id", "numbers")
        ]  # fmt: skip
        line = "/" + " ".join(words)
        return f"{road} ({made} = {line})" if made else f"{road}/action:{self._actions} ({line})"


def _quoted(value: str) -> str:
    return f'"{value}"' if not value or " " in value else value
