"""What the simulated router's control door can be asked; for whoever plays the world around it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import asdict

from lab.control import Answer, ControlError, Handlers, Request, open_door
from lab.mikrotik.asking import checked
from lab.mikrotik.console.export import Style
from lab.mikrotik.errors import DialError, ScriptError
from lab.mikrotik.faults import KINDS, make
from lab.mikrotik.fields.values import format_duration
from lab.mikrotik.host_control import HostControl, who
from lab.mikrotik.journal import as_json
from lab.mikrotik.network.delay import Link
from lab.mikrotik.network.server import DEFAULT_DOWN_S, Server
from lab.mikrotik.ppp.modems import DEFAULT_REDIAL_S
from lab.mikrotik.script import run_script
from lab.mikrotik.watching import Watching
from lab.mikrotik.wire import from_wire, to_wire


class Control:
    """Answers requests about one served router."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._router = server.router
        checkable: Handlers = {
            "dial": self._dial,
            "hangup": self._hangup,
            "redial": self._redial,
            "vanish": self._vanish,
            "habit": self._habit,
            "clock": self._clock,
            "reach": self._reach,
            "connect": self._connect,
            "sessions": self._sessions,
            "rows": self._rows,
            "script": self._script,
            "import": self._script,
            "export": self._export,
            "reset": self._reset,
            "file": self._file,
            "hosts": self._hosts,
            "reboot": self._reboot,
            "power-cut": self._power_cut,
            "carry": self._carry,
            "fault": self._fault,
            "faults": self._faults,
            "delay": self._delay,
            "writes": self._writes,
            "events": self._events,
            "connections": self._connections,
            "stats": self._stats,
            **HostControl(self._router).verbs,
        }
        self.verbs: Handlers = {**checked(checkable), **Watching(self._router.journal).verbs}

    # -- subscribers --------------------------------------------------------------------------------------------

    def _dial(self, request: Request) -> Answer:
        """A modem dials once: `user`, `password`, perhaps `caller_id`; whether it is let in, or why not."""
        try:
            session = self._router.dial(
                to_wire(str(request["user"])), to_wire(str(request["password"])), request.get("caller_id")
            )
        except DialError as error:
            return {"online": False, "reason": str(error), "why": error.why}
        return {"online": True, "address": session.address, "rate": session.rate_limit}

    def _hangup(self, request: Request) -> Answer:
        """The modem of `user` is switched off."""
        return {"was_online": self._router.hangup(to_wire(str(request["user"])))}

    def _redial(self, request: Request) -> Answer:
        """A modem of `user` dials now and after every drop, `every_s` seconds."""
        password = request.get("password")
        every_s = float(request.get("every_s", DEFAULT_REDIAL_S))
        user = to_wire(str(request["user"]))
        self._router.redial(user, None if password is None else to_wire(str(password)), every_s)
        return {"online": self._router.sessions.of_user(user) is not None}

    def _vanish(self, request: Request) -> Answer:
        """A modem loses its power: the router notices by its keepalive."""
        return {"was_online": self._router.vanish(to_wire(str(request["user"])))}

    def _habit(self, request: Request) -> Answer:
        """How `who` uses the line from now on; `habit` is quiet, idle, browsing, streaming or uploading."""
        self._router.habit(who(request), str(request["habit"]))
        return {"done": True}

    def _clock(self, request: Request) -> Answer:
        """What the router takes for the time; `ntp_answers` and `ntp_delay_s` change what NTP does."""
        wall = self._router.wall
        wall.ntp_delay_s = float(request.get("ntp_delay_s", wall.ntp_delay_s))
        if "ntp_answers" in request:
            wall.ntp_says(answers=bool(request["ntp_answers"]))
        return {"time": wall.stamp(), "utc": wall.utc().isoformat(), "synchronized": wall.is_synchronized}

    def _reach(self, request: Request) -> Answer:
        """Whether a packet of `who` (user, host, MAC, address) gets `to` an address or name, and which rule says so."""
        return asdict(self._router.reach(*_target(request), inbound=bool(request.get("inbound", False))))

    def _connect(self, request: Request) -> Answer:
        """Open a tracked connection of `who` `to` an address and `port`; it stays in /ip/firewall/connection."""
        fasttracked = request.get("fasttracked")
        return {"open": self._router.connect(*_target(request), fasttracked=fasttracked)}

    def _sessions(self, _request: Request) -> Answer:
        """Who is online, where, since when."""
        now_us = self._router.now_us()
        return {"sessions": [
            {
                "user": from_wire(one.user), "address": one.address, "profile": one.profile, "rate": one.rate_limit,
                "uptime": format_duration(now_us - one.since_us), "caller_id": one.caller_id,
            }
            for one in self._router.sessions.all()
        ]}  # fmt: skip

    # -- the router ---------------------------------------------------------------------------------------------

    def _rows(self, request: Request) -> Answer:
        """Every row of a `menu`, passwords and live values included."""
        menu = str(request["menu"])
        if not self._router.tables.has(menu):
            raise ControlError(
                f"this router has no menu {menu} (no such command prefix); `stats` lists those with rows"
            )
        rows = self._router.rows(menu)
        return {"rows": [{name: from_wire(value) for name, value in row.items()} for row in rows]}

    def _script(self, request: Request) -> Answer:
        """Run .rsc text as at the console; what it put out comes back."""
        try:
            output = run_script(self._router, str(request["text"]))
        except ScriptError as error:
            return {"error": str(error), "line": error.line}
        return {"done": True, "output": from_wire(output)}

    def _export(self, request: Request) -> Answer:
        """The configuration as text; `menu`, `secrets`, `terse` and `verbose` as one likes."""
        menu = str(request.get("menu", ""))
        if (menu, "export") not in self._router.verbs:
            raise ControlError(f"there is nothing to export in {menu}; say a menu such as /ppp, or none for everything")
        style = Style(*(bool(request.get(name, False)) for name in ("secrets", "terse", "verbose")))
        return {"text": from_wire(self._router.desk.exporter.text(menu, style))}

    async def _reset(self, request: Request) -> Answer:
        """Factory reset, with `no_defaults`, `keep_users` and a `script` to run after it."""
        self._router.desk.backups.plan_reset(
            no_defaults=bool(request.get("no_defaults", False)), keep_users=bool(request.get("keep_users", False)),
            script=to_wire(str(request.get("script", ""))),
        )  # fmt: skip
        await self._server.reboot(float(request.get("down_s", DEFAULT_DOWN_S)))
        return {"boots": self._router.boots}

    def _file(self, request: Request) -> Answer:
        """Read the file `name`; with `contents`, write it."""
        name = to_wire(str(request["name"]))
        if "contents" in request:
            self._router.desk.files.write(name, to_wire(str(request["contents"])))
            return {"done": True}
        contents = self._router.desk.files.read(name)
        return {"found": contents is not None, "contents": None if contents is None else from_wire(contents)}

    def _hosts(self, request: Request) -> Answer:
        """What DNS says of `name` from now on: `addresses`, none for no such name."""
        self._router.set_host(str(request["name"]), [str(address) for address in request["addresses"]])
        return {"done": True}

    async def _reboot(self, request: Request) -> Answer:
        """Reboot; sessions and what lived in memory are gone, ids change."""
        await self._server.reboot(float(request.get("down_s", DEFAULT_DOWN_S)))
        return {"boots": self._router.boots}

    async def _power_cut(self, request: Request) -> Answer:
        """The power fails for `down_s` seconds."""
        await self._server.power_cut(float(request.get("down_s", DEFAULT_DOWN_S)))
        return {"boots": self._router.boots}

    def _carry(self, request: Request) -> Answer:
        """Count `up_bytes` and `down_bytes` on the session of `who`."""
        up, down = int(request.get("up_bytes", 0)), int(request.get("down_bytes", 0))
        return {"carried": self._router.carry(who(request), up, down)}

    # -- faults -------------------------------------------------------------------------------------------------

    async def _fault(self, request: Request) -> Answer:
        """Arm a fault: `kind` and its options (see faults); kind `clear` or `on`=false ends it."""
        options = {name: value for name, value in request.items() if name not in ("do", "kind", "on")}
        kind = str(request["kind"])
        if kind == "clear" or request.get("on") is False:
            await self._server.clear_faults(None if kind == "clear" else kind)
            return {"done": True}
        self._server.arm(make(kind, **options))
        return {"done": True}

    def _faults(self, _request: Request) -> Answer:
        """The faults that are armed, and the kinds there are with their options."""
        known = {kind: {"does": one.does, "options": list(one.options)} for kind, one in KINDS.items()}
        return {"armed": [asdict(fault) for fault in self._router.faults], "known": known}

    def _delay(self, request: Request) -> Answer:
        """The way to the router from now on: `round_trip_ms`, and `loss` as a share of what is sent."""
        link = self._server.link
        round_trip_s = float(request.get("round_trip_ms", link.round_trip_s * 1_000)) / 1_000
        wanted = Link.of(round_trip_s, float(request.get("loss", link.loss)))
        link.round_trip_s, link.loss = wanted.round_trip_s, wanted.loss
        return {"done": True}

    # -- figures ------------------------------------------------------------------------------------------------

    def _writes(self, request: Request) -> Answer:
        """What clients wrote, after number `since`."""
        writes = self._router.journal.writes_after(int(request.get("since", 0)))
        return {"writes": [as_json(write) for write in writes], "last": self._router.journal.writes_in_all}

    def _events(self, request: Request) -> Answer:
        """What happened, after number `since`, of one `kind` or all."""
        events = self._router.journal.events_after(int(request.get("since", 0)), request.get("kind"))
        return {"events": [as_json(event) for event in events]}

    def _connections(self, request: Request) -> Answer:
        """Every API connection after number `since`: who, waves, commands."""
        since = int(request.get("since", 0))
        return {"connections": [
            as_json(record) for record in self._router.journal.connections() if record.number > since
        ]}  # fmt: skip

    def _stats(self, _request: Request) -> Answer:
        """Counts: sessions, rows, writes, connections."""
        records = self._router.journal.connections()
        return {
            "version": self._router.version_text,
            "boots": self._router.boots,
            "port": self._server.port,
            "tls_port": self._server.tls_port,
            "sessions": len(self._router.sessions.all()),
            "rows": {table.menu.path: len(table) for table in self._router.tables if len(table)},
            "writes": self._router.journal.writes_in_all,
            "connections_open": sum(record.closed_at_us is None for record in records),
            "connections": len(records),
            "waves": sum(record.waves for record in records),
            "commands": sum(record.commands for record in records),
        }


def _target(request: Request) -> tuple[str, str, str, int]:
    protocol = str(request.get("protocol", "tcp"))
    return who(request), str(request["to"]), protocol, int(request.get("port", 443))


def control_door(server: Server, host: str, port: int) -> AbstractAsyncContextManager[int]:
    """The router's door, open for as long as the block lasts; yields its port."""
    return open_door(Control(server).verbs, host, port)
