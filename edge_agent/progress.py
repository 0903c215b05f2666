"""What came of it on the router: settled changes, failed rows, drift, and the events that tell the cloud."""

from collections.abc import Iterable
from typing import Any

from edge_agent.domain.presence import Presence
from edge_agent.domain.reconcile import Refusal
from edge_agent.domain.site import Pending, Site
from edge_agent.domain.wanted import Target
from edge_agent.link.outbox import News, Outbox
from edge_agent.routeros.read import Health
from edge_agent.routeros.roads import Online, Outcome
from edge_agent.routeros.rules import NO_BASE
from edge_agent.routeros.said import Found, PassEnded, RouterState, RulesRead, Said, Settled, WentOnline
from edge_agent.timekeeper import Timekeeper
from protocol.limits import FAILED_ROWS_MAX
from protocol.messages import FailedRow, RouterReport


class Progress:
    """Owned by the agent's loop."""

    def __init__(self, site: Site, time: Timekeeper, outbox: Outbox) -> None:
        self._site = site
        self._time = time
        self._outbox = outbox
        self.failed: dict[str, FailedRow] = {}
        self.drift_repaired = 0
        self.router = RouterReport()
        self._state: RouterState | None = None
        self._rules_trouble = ""
        self.last_pass: dict[str, Any] = {}
        self.settled: list[str] = []
        """Ids whose mark as pending shall leave the disk with the next commit."""
        self._presence = Presence()

    def take(self, said: Said) -> bool:
        """Take what a worker says; tells whether the cloud should hear at once."""
        match said:
            case Settled():
                return self._settled(said)
            case Found():
                return self._found(said)
            case PassEnded():
                return self._pass_ended(said)
            case WentOnline():
                self._online(said.target, said.online)
                return False
            case RouterState():
                return self._router_state(said)
            case RulesRead():
                return self._rules_read(said)

    def news(self, kind: str, entitlement: str | None = None, **data: Any) -> None:
        """Note an event of now."""
        self._outbox.add(News(kind, self._time.now_us(), self._time.quality, entitlement, data))

    # Settling

    def _settled(self, said: Settled) -> bool:
        outcome = said.outcome
        before = self._site.applied
        for target in outcome.matched:
            pending = self._match(target)
            if pending is not None:
                self._tell_applied(target, pending, outcome)
                self._tell_online(target, pending, outcome.online.get(target.id))
            elif said.road == "slow" and target.id in outcome.changed:
                self.drift_repaired += 1
                self.news("drift", target.id, access=_access(target))
        self._fail(outcome.failed)
        return self._site.applied != before or bool(outcome.failed)

    def _found(self, said: Found) -> bool:
        before = self._site.applied
        verified = Outcome(read_boot_us=said.read_boot_us, verified_boot_us=said.read_boot_us, waves=1)
        for target in said.matched:
            pending = self._match(target)
            if pending is not None:
                self._tell_applied(target, pending, verified)
                self._tell_online(target, pending, said.online.get(target.id))
            elif target.id in said.online:
                self._online(target, said.online[target.id])
            elif target.id in said.away and target.level == "full":
                self._missed(target, self._time.at(said.read_boot_us))
        self._fail(said.failed)
        return self._site.applied != before

    def _match(self, target: Target) -> Pending | None:
        pending = self._site.settle(target, matched=True)
        self.failed.pop(target.id, None)
        if pending is not None:
            self.settled.append(target.id)
        return pending

    def _fail(self, failed: Iterable[tuple[Target, Refusal]]) -> None:
        for target, refusal in failed:
            if self._site.settle(target, matched=False) is not None:
                self.settled.append(target.id)
            known = self.failed.get(target.id)
            if known is not None and known.code == refusal.code:
                continue
            message = refusal.message[:200]
            self.failed[target.id] = FailedRow(
                id=target.id, code=refusal.code, message=message, since=self._time.now_us()
            )
            kind = "conflict" if refusal.code == "conflict" else "refused"
            self.news(kind, target.id, code=refusal.code, message=message)

    def forget_missing(self, ids: Iterable[str]) -> None:
        """Entitlements that are gone have not failed."""
        for id_ in ids:
            self.failed.pop(id_, None)
            self._presence.forget(id_)

    def _pass_ended(self, said: PassEnded) -> bool:
        before = self._site.applied
        self._presence.pass_ended()
        if said.whole:
            self._site.settle_all()
        self.last_pass = {
            "at_us": self._time.now_us(),
            "reason": said.reason,
            "whole": said.whole,
            "repaired": len(said.repaired),
            "took_ms": said.took_us // 1000,
            "cpu_ms": said.cpu_us // 1000,
        }
        return said.whole or self._site.applied != before

    # Telling

    def _tell_applied(self, target: Target, pending: Pending, outcome: Outcome) -> None:
        stamps = {
            "generation": pending.generation,
            "access": _access(target),
            "sent_at_us": pending.sent_at,
            "received_at_us": pending.received_at,
            "stored_at_us": pending.stored_at,
            "read_at_us": self._time.at(outcome.read_boot_us),
            "wrote_at_us": self._time.at(outcome.wrote_boot_us),
            "verified_at_us": self._time.at(outcome.verified_boot_us),
            "waves": outcome.waves,
        }
        if pending.cause == "time" and target.level != "full":
            self.news("cut", target.id, reason=target.reason, **stamps)
        else:
            self.news("applied", target.id, **stamps)

    def _tell_online(self, target: Target, pending: Pending, online: Online | None) -> None:
        if target.level != "full" or target.right is None:
            self._presence.forget(target.id)
            return
        self._presence.await_online(target.id, pending.generation)
        if online is not None:
            self._online(target, online)

    def _missed(self, target: Target, read_at: int) -> None:
        generation = self._presence.missed(target.id, read_at)
        if generation is not None:
            self.news("offline", target.id, generation=generation)

    def _online(self, target: Target, online: Online) -> None:
        generation = self._presence.seen(target.id, self._time.now_us())
        if generation is None:
            return
        self.news(
            "online",
            target.id,
            address=online.address,
            rate_up_bps=online.up_bps,
            rate_down_bps=online.down_bps,
            generation=generation,
        )

    # The router

    def _rules_read(self, said: RulesRead) -> bool:
        self._rules_trouble = "; ".join(trouble.what for trouble in said.troubles)
        return self._state is not None and self._router_state(self._state)

    def _router_state(self, said: RouterState) -> bool:
        self._state = said
        reachable = not said.trouble
        trouble = (said.trouble or (NO_BASE.what if said.base_missing else self._rules_trouble))[:200]
        news = (reachable, trouble) != (self.router.reachable, self.router.trouble)
        since = self._time.now_us() if reachable != self.router.reachable else self.router.since
        self.router = _router_report(said.health, trouble, since, reachable=reachable)
        if news:
            self.news("router", None, reachable=reachable, trouble=trouble)
        return news

    def list_failed(self) -> list[FailedRow]:
        """Return as many failed rows as a report may name."""
        return list(self.failed.values())[:FAILED_ROWS_MAX]


def _access(target: Target) -> str:
    return "gone" if target.right is None else target.level


def _router_report(health: Health, trouble: str, since: int | None, *, reachable: bool) -> RouterReport:
    return RouterReport(
        reachable=reachable,
        since=since,
        identity=health.identity,
        version=health.version,
        uptime_s=health.uptime_s,
        cpu_load_percent=health.cpu_load_percent,
        trouble=trouble,
    )
