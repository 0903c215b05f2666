"""The DHCP server: who gets which address, for how long, and what a lease brings along."""

from dataclasses import dataclass, field

from lab.mikrotik.dynamic_queue import give_queue, take_queue
from lab.mikrotik.ground import Ground, clear
from lab.mikrotik.hosts import BY_DHCP, Host, Hosts
from lab.mikrotik.table import Change, Row, Table
from lab.mikrotik.timers import Timer
from lab.mikrotik.values import duration_us

# A client that asked and did not take the offer is forgotten after this (unverified).
OFFER_US = 30_000_000
# A client without an answer tries again after this.
RETRY_US = 10_000_000
DHCP = "DHCP"
_ACTIVE = ("active-address", "active-mac-address", "active-client-id", "active-server")


@dataclass(eq=False, slots=True)
class Grant:
    """An offered or bound lease: the row it is of, who holds it, until when, and the rows that go with it."""

    row: Row
    host: Host
    address: str
    until_us: int
    seen_us: int
    timer: Timer | None = None
    queue: Row | None = None
    rows: list[tuple[Table, Row]] = field(default_factory=list)


class Leases:
    """/ip/dhcp-server/lease and the clients that ask."""

    def __init__(self, ground: Ground, hosts: Hosts) -> None:
        self._ground = ground
        self._hosts = hosts
        self._servers = ground.tables.get("/ip/dhcp-server")
        self._table = ground.tables.get("/ip/dhcp-server/lease")
        self._grants: dict[Row, Grant] = {}
        self._last_seen: dict[Row, int] = {}
        self._writing = False
        self._reserved: dict[Row, str] = {}
        self._retrying: set[Host] = set()
        self.answering = True
        self._table.watchers.append(self._changed)

    def grant_of(self, row: Row) -> Grant | None:
        return self._grants.get(row)

    def seen_us(self, row: Row) -> int | None:
        """When its client last said something."""
        return self._last_seen.get(row)

    # -- clients ------------------------------------------------------------------------------------------------

    def ask(self, host: Host, *, only_offer: bool = False) -> None:
        """A client looks for an address, and takes what it is offered (unless it only asks)."""
        if host.ended or host.wants != BY_DHCP:
            return
        server = self._server_of(host.interface)
        row = None if server is None else self._row_for(host, server)
        address = None if server is None or row is None else self._address_for(row, server)
        if server is None or row is None or address is None:
            self._hosts.settle(host, "")
            self._try_later(host)
            return
        if only_offer:
            self._offer(row, host, address)
        else:
            self._bind(row, host, server, address)

    def _try_later(self, host: Host) -> None:
        if host not in self._retrying:
            self._retrying.add(host)
            self._ground.later(RETRY_US, lambda: self._ask_again(host))

    def _ask_again(self, host: Host) -> None:
        self._retrying.discard(host)
        if not host.ended and not host.address:
            self.ask(host)

    def left(self, host: Host) -> None:
        """A client is off the wire: its lease runs on to its end."""
        for grant in self._of_host(host):
            self._time(grant, grant.until_us)

    def _of_host(self, host: Host) -> list[Grant]:
        return [grant for grant in self._grants.values() if grant.host is host]

    def _server_of(self, interface: str) -> Row | None:
        if not self.answering:
            return None
        return next((row for row in self._servers.with_value("interface", interface) if row.enabled), None)

    def _row_for(self, host: Host, server: Row) -> Row | None:
        """The client's row: static by client-id or MAC, dynamic from before, or a new one; None when blocked."""
        known = list(self._table.with_value("mac-address", host.mac))
        if host.client_id:
            known = [*self._table.with_value("client-id", host.client_id), *known]
        name = server.get("name")
        fitting = [row for row in known if _serves(row, name) and row.enabled and _is_of(row, host)]
        fitting.sort(key=lambda row: row.dynamic)
        if not fitting:
            values = {"mac-address": host.mac, "server": name, "dynamic": "true", "disabled": "false"}
            values |= {"address-lists": "", "dhcp-option": "", "radius": "false", "blocked": "false"}
            address = self._free_address(server)
            return self._insert(values | {"address": address}, host) if address else None
        row = fitting[0]
        if row.get("block-access") == "true":
            self._change(row, {"blocked": "true"})
            self._last_seen[row] = self._ground.now_us()
            return None
        return row

    def _insert(self, values: dict[str, str], host: Host) -> Row:
        if host.client_id:
            values["client-id"] = host.client_id
        self._writing = True
        row = self._table.insert(values | {"status": "offered"})
        self._writing = False
        return row

    def _free_address(self, server: Row) -> str:
        """A free address of the server's pool; empty when there is none (`static-only`)."""
        return self._ground.pools.allocate(server.get("address-pool")) or ""

    def _address_for(self, row: Row, server: Row) -> str | None:
        """The address of a row: fixed, of a pool it names, or of the server's pool."""
        grant = self._grants.get(row)
        fixed = row.get("address")
        if _is_address(fixed):
            other = next((one for one in self._grants.values() if one.address == fixed and one.row is not row), None)
            return fixed if other is None else None
        if grant is not None:
            return grant.address
        if fixed:
            return self._ground.pools.allocate(fixed)
        return self._free_address(server) or None

    # -- leases -------------------------------------------------------------------------------------------------

    def _offer(self, row: Row, host: Host, address: str) -> None:
        now_us = self._ground.now_us()
        grant = Grant(row, host, address, now_us + OFFER_US, now_us)
        self._grants[row] = grant
        self._last_seen[row] = now_us
        self._change(row, {"status": "offered"})
        self._time(grant, grant.until_us)

    def _bind(self, row: Row, host: Host, server: Row, address: str) -> None:
        """Bound for the lease time; an address other than before brings everything anew."""
        now_us = self._ground.now_us()
        lease_us = duration_us(row.get("lease-time") or server.get("lease-time"))
        old = self._grants.get(row)
        if old is not None and (old.address != address or old.host is not host):
            self._end(old)
        grant = self._grants.get(row)
        if grant is None:
            grant = Grant(row, host, address, 0, now_us)
            self._grants[row] = grant
            self._ground.take_address(address, DHCP, host.mac)
            self._ground.event("lease-bound", mac=host.mac, address=address, server=server.get("name"))
            self._ground.log("dhcp,info", f"{server.get('name')} assigned {address} for {host.mac} {host.host_name}")
        grant.until_us, grant.seen_us = now_us + lease_us, now_us
        self._last_seen[row] = now_us
        told = {"status": "bound", "active-address": address, "active-mac-address": host.mac, "blocked": "false"}
        told |= {"active-server": server.get("name")} | ({"host-name": host.host_name} if host.host_name else {})
        if host.client_id:
            told["active-client-id"] = host.client_id
        self._change(row, told)
        self._bring(grant, server)
        self._hosts.settle(host, address, self._hosts.network_of(host.interface, address), by_dhcp=True)
        self._time(grant, now_us + lease_us // 2)

    def _bring(self, grant: Grant, server: Row) -> None:
        """The queue and the address lists of a bound lease, made anew."""
        self._drop_rows(grant)
        row, mac = grant.row, grant.host.mac
        lists = ",".join(part for part in (row.get("address-lists"), server.get("address-lists")) if part)
        self._ground.list_address(grant.rows, lists, grant.address, grant)
        if row.dynamic:
            return  # the manual: rate-limit needs a static lease
        kind = "dhcp" if row.get("allow-dual-stack-queue") == "false" else "dhcp-ds"
        name = f"{kind}<{mac}>"
        queue = give_queue(self._ground, grant.host, grant, row, name=name, address=grant.address)
        if queue is not None and queue.get("limit-at") == "0/0":
            queue.values["limit-at"] = queue.get("max-limit")  # as the manual's example reads
        grant.queue = queue

    def _drop_rows(self, grant: Grant) -> None:
        take_queue(self._ground, grant.host, grant.queue)
        grant.queue = None
        clear(grant.rows)

    def _time(self, grant: Grant, due_us: int) -> None:
        if grant.timer is not None:
            grant.timer.cancel()
        grant.timer = self._ground.timers.at(due_us, lambda: self._due(grant))

    def _due(self, grant: Grant) -> None:
        """Half of the lease is over: a client that is there renews. All of it is over: the lease ends."""
        if self._grants.get(grant.row) is not grant:
            return
        if self._ground.now_us() >= grant.until_us:
            self._expire(grant)
        elif not grant.host.ended and self.answering and grant.row.get("status") == "bound":
            self._renew(grant)
        else:
            self._time(grant, grant.until_us)

    def _renew(self, grant: Grant) -> None:
        """Granted again, unless the row says otherwise by now; a refused client keeps its address to the end."""
        if grant.row.get("block-access") == "true" or not grant.row.enabled:
            self._time(grant, grant.until_us)
            return
        self.ask(grant.host)

    def _expire(self, grant: Grant) -> None:
        row, host = grant.row, grant.host
        self._end(grant)
        if row.dynamic:
            self._drop(row)
        if not host.ended:
            self._hosts.settle(host, "")
            self.ask(host)

    def _end(self, grant: Grant) -> None:
        """The lease is no longer bound; the client may not know."""
        self._grants.pop(grant.row, None)
        if grant.timer is not None:
            grant.timer.cancel()
        self._drop_rows(grant)
        self._ground.free_address(grant.address, DHCP)
        self._ground.event("lease-gone", mac=grant.host.mac, address=grant.address)
        self._ground.log("dhcp,info", f"deassigned {grant.address} for {grant.host.mac} {grant.host.host_name}")
        self._change(grant.row, {"status": "waiting"}, ("host-name", *_ACTIVE))

    # -- what is written to the table ---------------------------------------------------------------------------

    def make_static(self, row: Row) -> None:
        """A dynamic lease becomes a static one, with its address."""
        self._change(row, {"dynamic": "false"})

    def check_status(self, row: Row) -> None:
        """Free a busy dynamic lease whose client does not answer."""
        grant = self._grants.get(row)
        if row.dynamic and (grant is None or grant.host.ended):
            self._table.remove(row)

    def _reserve(self, change: Change, row: Row) -> None:
        """No pool gives an address that a lease row names, bound or not."""
        wanted = row.get("address") if change is not Change.REMOVED and _is_address(row.get("address")) else ""
        held = self._reserved.get(row, "")
        if wanted == held:
            return
        if held:
            self._ground.pools.release(self._reserved.pop(row))
        if wanted:
            self._ground.pools.hold(wanted)
            self._reserved[row] = wanted

    def _changed(self, change: Change, row: Row) -> None:
        self._reserve(change, row)
        if self._writing or change is Change.ADDED:
            return
        grant = self._grants.get(row)
        if change is Change.REMOVED:
            self._last_seen.pop(row, None)
            if grant is not None:
                self._end(grant)
                self._removed(grant)
        elif grant is not None and self._ground.switches.lease_edits_at_once and row.get("status") == "bound":
            self._edited(grant)

    def _edited(self, grant: Grant) -> None:
        if not grant.row.enabled:
            self._end(grant)
            return
        server = self._servers.find(grant.row.get("active-server"))
        if server is not None:
            self._bring(grant, server)

    def _removed(self, grant: Grant) -> None:
        """The client finds out when it renews, at half of its time, that the lease is another's or new."""
        if not self._ground.switches.client_keeps_removed_lease:
            self.ask(grant.host)
            return
        half_us = (grant.until_us - grant.seen_us) // 2
        due_us = max(grant.seen_us + half_us, self._ground.now_us())
        self._ground.timers.at(due_us, lambda: self.ask(grant.host))

    def _change(self, row: Row, values: dict[str, str], unset: tuple[str, ...] = ()) -> None:
        self._writing = True
        self._table.change(row, values, unset)
        self._writing = False

    def _drop(self, row: Row) -> None:
        self._writing = True
        self._table.remove(row)
        self._writing = False
        self._last_seen.pop(row, None)

    # -- life ---------------------------------------------------------------------------------------------------

    def go_down(self) -> None:
        self.answering = False

    def come_up(self) -> None:
        """Leases that were stored hold on; clients saw the link go and ask at once."""
        self.answering = True
        if not self._ground.switches.dynamic_leases_survive_reboot:
            for row in [row for row in self._table if row.dynamic]:
                if (grant := self._grants.get(row)) is not None:
                    self._end(grant)
                self._drop(row)
        for grant in list(self._grants.values()):
            self._drop_rows(grant)
            if not self._table.has(grant.row):
                self._grants.pop(grant.row)
                continue
            self._ground.show_address(grant.address, DHCP, grant.host.mac)
        for host in self._hosts.plugged():
            if host.wants == BY_DHCP:
                self._hosts.settle(host, "")
                self.ask(host)


def _is_address(value: str) -> bool:
    return bool(value) and value[0].isdecimal() and value.count(".") == 3


def _serves(row: Row, server: str) -> bool:
    return row.get("server") in ("", "all", server)


def _is_of(row: Row, host: Host) -> bool:
    """A row that names a client-id is of the client that sends it, whatever its MAC."""
    wanted = row.get("client-id")
    return wanted == host.client_id if wanted else row.get("mac-address") == host.mac
