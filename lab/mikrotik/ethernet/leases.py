"""The DHCP server: who gets which address, for how long, and what a lease brings along."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lab.mikrotik.ethernet.dynamic_queue import give_queue, take_queue
from lab.mikrotik.ethernet.ground import Ground, clear
from lab.mikrotik.ethernet.hosts import BY_DHCP, Host, Hosts
from lab.mikrotik.ethernet.lease_book import LeaseBook, is_address
from lab.mikrotik.fields.values import duration_us
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.timers import Timer

# A client that asked and did not take the offer is forgotten after this (unverified).
OFFER_US = 30_000_000
# A client without an answer tries again after this.
RETRY_US = 10_000_000
DHCP = "DHCP"
_ACTIVE = ("active-address", "active-mac-address", "active-client-id", "active-server")
_BROUGHT = (
    "rate-limit", "address-lists", "insert-queue-before", "parent-queue", "queue-type", "allow-dual-stack-queue",
    "dynamic",
)  # fmt: skip


@dataclass(eq=False, slots=True)
class Grant:
    """An offered or bound lease: the row it is of, who holds it, until when, and what goes with it."""

    row: Row
    host: Host
    address: str
    until_us: int
    seen_us: int
    timer: Timer | None = None
    brought: tuple[str, ...] = ()
    queue: Row | None = None
    rows: list[tuple[Table, Row]] = field(default_factory=list)


class Leases:
    """/ip/dhcp-server/lease and the clients that ask."""

    def __init__(self, ground: Ground, hosts: Hosts) -> None:
        self._ground = ground
        self._hosts = hosts
        self._book = LeaseBook(ground)
        self._grants: dict[Row, Grant] = {}
        self._of_address: dict[str, Grant] = {}
        self._last_seen: dict[Row, int] = {}
        self._retrying: set[Host] = set()
        self.answering = True
        self.on_bound: list[Callable[[Row, Grant], None]] = []
        """Told of a server row and a lease of it that has become bound."""
        self.on_gone: list[Callable[[Row, Grant], None]] = []
        self._book.on_edit = self._edited
        self._book.on_remove = self._removed

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
        server = self._book.server_of(host.interface) if self.answering else None
        row = None if server is None else self._book.row_for(host, server)
        if row is not None:
            self._last_seen[row] = self._ground.now_us()
            self._book.change(row, {"blocked": "true" if row.get("block-access") == "true" else "false"})
        address = None if server is None or row is None else self._address_for(row, server)
        if server is None or row is None or address is None:
            self._hosts.settle(host, "")
            self._try_later(host)
        elif only_offer:
            self._offer(row, host, address)
        else:
            self._bind(row, host, server, address)

    def _address_for(self, row: Row, server: Row) -> str | None:
        """The address of a row: fixed, of a pool it names, or of the server's pool; None when it gives none."""
        if row.get("block-access") == "true":
            return None
        fixed, grant = row.get("address"), self._grants.get(row)
        if is_address(fixed):
            other = self._of_address.get(fixed)
            return fixed if other is None or other.row is row else None
        if grant is not None:
            return grant.address
        return self._ground.pools.allocate(fixed) if fixed else self._book.free_address(server) or None

    def _try_later(self, host: Host) -> None:
        if host not in self._retrying:
            self._retrying.add(host)
            self._ground.later(RETRY_US, lambda: self._ask_again(host))

    def _ask_again(self, host: Host) -> None:
        self._retrying.discard(host)
        if not host.ended and not host.address:
            self.ask(host)

    # -- leases -------------------------------------------------------------------------------------------------

    def _offer(self, row: Row, host: Host, address: str) -> None:
        """Kept for the client for a while."""
        if self._grants.get(row) is None:
            grant = self._new(row, host, address, self._ground.now_us() + OFFER_US)
            self._book.change(row, {"status": "offered"})
            self._time(grant, grant.until_us)

    def _new(self, row: Row, host: Host, address: str, until_us: int) -> Grant:
        grant = Grant(row, host, address, until_us, self._ground.now_us())
        self._grants[row] = self._of_address[address] = grant
        self._ground.take_address(address, DHCP, host.mac)
        return grant

    def _bind(self, row: Row, host: Host, server: Row, address: str) -> None:
        """Bound for the lease time; an address other than before brings everything anew."""
        now_us = self._ground.now_us()
        lease_us = duration_us(row.get("lease-time") or server.get("lease-time"))
        grant = self._grants.get(row)
        if grant is not None and (grant.address != address or grant.host is not host):
            self._end(grant)
            grant = None
        if grant is None:
            grant = self._new(row, host, address, 0)
        new = row.get("status") != "bound"
        if new:
            self._ground.event("lease-bound", mac=host.mac, address=address, server=server.get("name"))
            self._ground.log("dhcp,info", f"{server.get('name')} assigned {address} for {host.mac} {host.host_name}")
        grant.until_us, grant.seen_us = now_us + lease_us, now_us
        self._book.change(row, self._told(grant, server))
        self._bring(grant, server)
        self._hosts.settle(host, address, self._hosts.network_of(host.interface, address), by_dhcp=True)
        self._time(grant, now_us + lease_us // 2)
        for tell in self.on_bound if new else ():
            tell(server, grant)

    def _told(self, grant: Grant, server: Row) -> dict[str, str]:
        """What a bound row tells of its client."""
        host = grant.host
        told = {"status": "bound", "active-address": grant.address, "active-mac-address": host.mac}
        told["active-server"] = server.get("name")
        if host.host_name:
            told["host-name"] = host.host_name
        return told | ({"active-client-id": host.client_id} if host.client_id else {})

    def _bring(self, grant: Grant, server: Row) -> None:
        """The queue and the address lists of a bound lease; untouched when they are as they should be."""
        row = grant.row
        wanted = (*(row.get(name) for name in _BROUGHT), server.get("address-lists"))
        if wanted == grant.brought:
            return
        self._drop_rows(grant)
        grant.brought = wanted
        lists = ",".join(part for part in (row.get("address-lists"), server.get("address-lists")) if part)
        self._ground.list_address(grant.rows, lists, grant.address, grant)
        if row.dynamic:
            return  # the manual: rate-limit needs a static lease
        kind = "dhcp" if row.get("allow-dual-stack-queue") == "false" else "dhcp-ds"
        name = f"{kind}<{grant.host.mac}>"
        grant.queue = give_queue(self._ground, grant.host, grant, row, name=name, address=grant.address)
        if grant.queue is not None and grant.queue.get("limit-at") == "0/0":
            grant.queue.values["limit-at"] = grant.queue.get("max-limit")  # as the manual's example reads

    def _drop_rows(self, grant: Grant) -> None:
        take_queue(self._ground, grant.host, grant.queue)
        grant.queue, grant.brought = None, ()
        clear(grant.rows)

    # -- time ---------------------------------------------------------------------------------------------------

    def _time(self, grant: Grant, due_us: int) -> None:
        if grant.timer is not None:
            grant.timer.cancel()
        grant.timer = self._ground.timers.at(due_us, lambda: self._due(grant))

    def _due(self, grant: Grant) -> None:
        """Half of the lease is over: a client that is there renews. All of it is over: the lease ends."""
        if self._grants.get(grant.row) is not grant:
            return
        if self._is_asked(grant) and _is_granted(grant.row):
            self.ask(grant.host)  # even when a held clock jumped past the end: he would have asked before
        elif self._ground.now_us() >= grant.until_us:
            self._expire(grant)
        else:
            self._time(grant, grant.until_us)  # nobody asks, or he who asks is refused and keeps what he has

    def _is_asked(self, grant: Grant) -> bool:
        """Client and server are both there."""
        there = self.answering and not grant.host.ended
        return there and self._book.server_of(grant.host.interface) is not None

    def _expire(self, grant: Grant) -> None:
        row, host = grant.row, grant.host
        self._end(grant)
        if row.dynamic:
            self._last_seen.pop(row, None)
            self._book.drop(row)
        if not host.ended:
            self._hosts.settle(host, "")
            self.ask(host)

    def _end(self, grant: Grant) -> None:
        """The lease is no longer bound; the client may not know."""
        self._grants.pop(grant.row, None)
        if self._of_address.get(grant.address) is grant:
            del self._of_address[grant.address]
        if grant.timer is not None:
            grant.timer.cancel()
        self._drop_rows(grant)
        self._ground.free_address(grant.address, DHCP)
        self._ground.event("lease-gone", mac=grant.host.mac, address=grant.address)
        self._ground.log("dhcp,info", f"deassigned {grant.address} for {grant.host.mac} {grant.host.host_name}")
        server = self._book.server(grant.row.get("active-server"))
        self._book.change(grant.row, {"status": "waiting"}, ("host-name", *_ACTIVE))
        if server is not None:
            for tell in self.on_gone:
                tell(server, grant)

    # -- what others do to the rows -------------------------------------------------------------------------------

    def make_static(self, row: Row) -> None:
        """A dynamic lease becomes a static one, with its address."""
        self._book.change(row, {"dynamic": "false"})

    def check_status(self, row: Row) -> None:
        """Free a busy dynamic lease whose client does not answer."""
        grant = self._grants.get(row)
        if row.dynamic and (grant is None or grant.host.ended):
            self._book.table.remove(row)

    def _edited(self, row: Row) -> None:
        grant = self._grants.get(row)
        if grant is None or row.get("status") != "bound" or not self._ground.switches.lease_edits_at_once:
            return
        server = self._book.server(row.get("active-server"))
        if not row.enabled:
            self._end(grant)
        elif server is not None:
            self._bring(grant, server)

    def _removed(self, row: Row) -> None:
        """The client finds out when it renews, at half of its time, that the lease is another's or new."""
        self._last_seen.pop(row, None)
        grant = self._grants.get(row)
        if grant is None:
            return
        self._end(grant)
        if not self._ground.switches.client_keeps_removed_lease:
            self.ask(grant.host)
            return
        due_us = max(grant.seen_us + (grant.until_us - grant.seen_us) // 2, self._ground.now_us())
        self._ground.timers.at(due_us, lambda: self.ask(grant.host))

    # -- life ---------------------------------------------------------------------------------------------------

    def go_down(self) -> None:
        self.answering = False
        for grant in self._grants.values():
            self._drop_rows(grant)

    def come_up(self) -> None:
        """Leases that were stored hold on; clients saw the link go and ask at once."""
        self.answering = True
        if not self._ground.switches.dynamic_leases_survive_reboot:
            for row in [row for row in self._book.table if row.dynamic]:
                if (grant := self._grants.get(row)) is not None:
                    self._end(grant)
                self._book.drop(row)
        for grant in self._grants.values():
            self._ground.show_address(grant.address, DHCP, grant.host.mac)
            if (server := self._book.server(grant.row.get("active-server"))) is not None:
                self._bring(grant, server)
        for host in self._hosts.plugged():
            if host.wants == BY_DHCP:
                self._hosts.settle(host, "")
                self.ask(host)


def _is_granted(row: Row) -> bool:
    return row.get("block-access") != "true" and row.enabled and row.get("status") == "bound"
