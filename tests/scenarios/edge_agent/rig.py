"""A whole agent against a simulated router, with a cloud that is played by the test."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.agent import Agent
from edge_agent.assembly import load_site, unsealer
from edge_agent.clock import Clock
from edge_agent.link.mqtt import Inbound, LinkDown, LinkUp
from edge_agent.link.outbox import Outbox
from edge_agent.link.speech import Speaker
from edge_agent.link.trust import KeyRing
from edge_agent.mailbox import Mailbox, Stop
from edge_agent.parts import Parts
from edge_agent.routeros.client import Address
from edge_agent.routeros.connections import ConnectionQuery
from edge_agent.routeros.said import Shared
from edge_agent.routeros.worker import RouterWorker
from edge_agent.status import StatusFile
from edge_agent.store.store import Store
from edge_agent.timekeeper import Timekeeper
from lab.mikrotik.router import Setup
from lab.mikrotik.thread import RunningRouter, running_router
from protocol.codec import decode, encode
from protocol.digest import digest_of
from protocol.enrolment import BrokerAddress, EnrolAnswer
from protocol.entitlement import Credential, Entitlement, Rate, render_row
from protocol.envelope import Envelope
from protocol.keylist import KeyList, OnlineKey, sign_key_list
from protocol.messages import Ack, Body, Delta, Events, Held, Hello, Keys, Reported, Resync, Welcome
from protocol.sealing import context, new_sealing_key, seal, sealing_public
from protocol.signing import Signer, Verifier, to_text
from protocol.snapshot import pack

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
AGENT, INSTALLATION, TENANT = "agent-1", "installation-1", "tenant-1"
BASE_SCRIPT = """
/ppp profile add name=mnara-base local-address=100.64.0.1 dns-server=100.64.0.1 only-one=yes
/interface pppoe-server server add service-name=mnara interface=ether2 default-profile=mnara-base disabled=no
"""
RULES = {
    "pay": "action=accept src-address-list=mnara-walled dst-address-list=mnara-pay",
    "wall": "action=reject src-address-list=mnara-walled",
    "wall-in": "action=drop dst-address-list=mnara-walled",
    "no-fasttrack-up": "action=accept connection-state=established,related src-address=100.64.0.0/16",
    "no-fasttrack-down": "action=accept connection-state=established,related dst-address=100.64.0.0/16",
}
_FILTER = "/ip firewall filter"
RULES_SCRIPT = "".join(
    f'{_FILTER} add chain=forward {rule} comment="mnara-rule:{name}"\n'
    f'{_FILTER} move [find comment="mnara-rule:{name}"] destination=[find action=fasttrack-connection]\n'
    for name, rule in RULES.items()
)


class ShiftedClock(Clock):
    """The machine's clock, moved by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.shift_us = 0
        self.passed_us = 0
        self.synchronised = False
        self.boot = "boot-1"

    def boot_us(self) -> int:
        return super().boot_us() + self.passed_us

    def wall_us(self) -> int:
        return super().wall_us() + self.passed_us + self.shift_us

    def wall_is_synchronised(self) -> bool:
        return self.synchronised

    def boot_id(self) -> str:
        return self.boot


@dataclass
class FakeCloud:
    """Plays the cloud: desired state, signatures, acks; and the link in one."""

    clock: Clock
    root: Signer = field(default_factory=Signer.generate)
    online: Signer = field(default_factory=Signer.generate)
    agent_signer: Signer = field(default_factory=Signer.generate)
    sealing: bytes = field(default_factory=new_sealing_key)
    rows: dict[str, str] = field(default_factory=dict)
    epoch: int = 1
    generation: int = 0
    mailbox: Mailbox | None = None
    up: bool = False
    said: list[tuple[float, Body]] = field(default_factory=list)
    events: dict[int, Any] = field(default_factory=dict)
    acks: bool = True
    answers_resync: bool = True
    snapshots: bool = True
    time_shift_us: int = 0
    _sequence: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def identity(self) -> EnrolAnswer:
        return EnrolAnswer(
            agent=AGENT,
            installation=INSTALLATION,
            tenant=TENANT,
            site="site-1",
            site_name="Kitui ridge",
            shard=7,
            certificate_pem="",
            ca_pem="",
            root_key=to_text(self.root.public),
            key_list=base64.b64encode(self.key_list(1, self.online)).decode(),
            broker=BrokerAddress(host="127.0.0.1", port=8883),
            now=self.clock.wall_us(),
        )

    def key_list(self, version: int, *online: Signer) -> bytes:
        keys = [OnlineKey(public=to_text(key.public), not_before=0, not_after=2**53) for key in online]
        return sign_key_list(KeyList(tenant=TENANT, version=version, keys=keys), self.root)

    # Desired state

    def held(self) -> Held:
        return Held(epoch=self.epoch, generation=self.generation, digest=digest_of(self.rows.values()))

    def row(self, number: int, **changes: Any) -> str:
        return render_row(self.entitlement(number, **changes))

    def entitlement(self, number: int, **changes: Any) -> Entitlement:
        id_ = changes.pop("id", f"sub-{number}")
        password = changes.pop("password", f"secret-{number}")
        revision = changes.pop("revision", 1)
        sealed = seal(password, to_public=sealing_public(self.sealing), bound_to=context(AGENT, id_))
        values: dict[str, Any] = {
            "id": id_,
            "username": f"user{number}",
            "credential": Credential(revision=revision, sealed=sealed),
            "address": f"100.64.{number // 250}.{number % 250 + 2}",
            "rate": Rate(up_bps=2_000_000, down_bps=5_000_000),
            "valid_until": self.clock.wall_us() + HOUR_US,
            **changes,
        }
        return Entitlement.model_validate(values)

    def hold(self, *rows: str) -> None:
        """Begin with these; they are for a snapshot."""
        self.rows.update({Entitlement.model_validate_json(row).id: row for row in rows})
        self.generation += 1

    def change(self, *rows: str, remove: tuple[str, ...] = (), send: bool = True) -> Delta:
        base = self.generation
        for row in rows:
            self.rows[Entitlement.model_validate_json(row).id] = row
        for id_ in remove:
            self.rows.pop(id_, None)
        self.generation += 1
        delta = Delta(base=base, desired=self.held(), upserts=list(rows), removals=list(remove))
        if send:
            self.say(delta)
        return delta

    def send_snapshot(self) -> None:
        manifest, chunks = pack(list(self.rows.values()), epoch=self.epoch, generation=self.generation)
        self.say(manifest)
        for chunk, part in chunks:
            self.say(chunk, attachment=part)

    # The link

    def frame(self, body: Body, attachment: bytes = b"", signer: Signer | None = None, **changes: Any) -> bytes:
        self._sequence += 1
        values: dict[str, Any] = {
            "kind": body.kind,
            "id": f"m{self._sequence}",
            "agent": AGENT,
            "installation": INSTALLATION,
            "sequence": self._sequence,
            "sent_at": self.clock.wall_us() + self.time_shift_us,
            "body": body.model_dump(mode="json"),
            **changes,
        }
        return encode("down", Envelope(**values), signer or self.online, attachment)

    def say(self, body: Body, attachment: bytes = b"") -> None:
        if self.up:
            self.say_raw(self.frame(body, attachment))

    def say_raw(self, frame: bytes) -> None:
        assert self.mailbox is not None
        self.mailbox.from_link(Inbound(frame, self.clock.boot_us()))

    def connect(self) -> None:
        assert self.mailbox is not None
        self.up = True
        self.mailbox.from_link(LinkUp(self.clock.new_id()))

    def cut(self) -> None:
        assert self.mailbox is not None
        self.up = False
        self.mailbox.from_link(LinkDown("cut by the test"))

    def publish(self, payload: bytes) -> bool:
        if not self.up:
            return False
        verifier = Verifier(self.agent_signer.public)
        message = decode("up", payload, agent=AGENT, installation=INSTALLATION, find_verifier=lambda _kid: verifier)
        assert message.body is not None
        with self._lock:
            self.said.append((time.perf_counter(), message.body))
        self._answer(message.body)
        return True

    def _answer(self, body: Body) -> None:
        match body:
            case Hello():
                self.say(Welcome(nonce=body.nonce, desired=self.held()))
                behind = (body.held.epoch, body.held.generation) != (self.epoch, self.generation)
                if behind and self.rows and self.snapshots:
                    self.send_snapshot()
            case Events():
                for event in body.events:
                    self.events.setdefault(event.number, event)
                if self.acks:
                    self.say(Ack(upto=body.events[-1].number))
            case Resync() if self.answers_resync:
                self.send_snapshot()
            case _:
                pass

    def reports(self) -> list[Reported]:
        with self._lock:
            return [body for _, body in self.said if isinstance(body, Reported)]

    def events_of(self, kind: str, entitlement: str | None = None) -> list[Any]:
        return [
            event
            for _, event in sorted(self.events.items())
            if event.kind == kind and entitlement in (None, event.entitlement)
        ]

    def new_keys(self) -> None:
        fresh = Signer.generate()
        frame = self.key_list(2, fresh)
        self.say(Keys(version=2), attachment=frame)
        self.online = fresh


@dataclass
class Running:
    """An agent that runs in a thread of the test."""

    cloud: FakeCloud
    clock: ShiftedClock
    agent: Agent
    worker: RouterWorker
    store: Store
    mailbox: Mailbox
    thread: threading.Thread
    trouble: list[BaseException]

    def pass_time_until(self, instant_us: int) -> None:
        """Let hours go by in no time, while the link is cut."""
        assert not self.cloud.up
        self.clock.passed_us += instant_us - self.clock.wall_us()
        self.cloud.cut()  # wakes the loop, which sleeps by the real clock

    def stop(self) -> None:
        self.cloud.up = False
        self.mailbox.put(Stop())
        self.thread.join(10)
        self.worker.stop()
        if self.trouble:
            raise self.trouble[0]


@dataclass
class Rig:
    """A router, a cloud and a data folder, on which agents are started and stopped."""

    router: RunningRouter
    cloud: FakeCloud
    clock: ShiftedClock
    folder: Path
    starts: int = 0
    machine: Clock = field(default_factory=Clock)
    """The roads' clock: the router answers in real time, whatever hours go by."""
    pass_every_s: float = 300.0
    connection_query: ConnectionQuery = "range"

    def start(self, *, connect: bool = True) -> Running:
        self.starts += 1
        identity, mailbox = self.cloud.identity(), Mailbox()
        self.cloud.mailbox = mailbox
        store = Store(self.folder / "store", start=self.starts)
        ready = threading.Event()
        made: list[Running] = []
        trouble: list[BaseException] = []

        def body() -> None:
            try:
                running = self._make(identity, mailbox, store, trouble)
                made.append(running)
                ready.set()
                running.agent.run()
            except BaseException as error:  # noqa: BLE001 - handed to the test, which raises it
                trouble.append(error)
            finally:
                ready.set()
                store.close()

        thread = threading.Thread(target=body, name="agent-under-test", daemon=True)
        thread.start()
        ready.wait(10)
        if trouble:
            raise trouble[0]
        made[0].thread = thread
        if connect:
            self.cloud.connect()
        return made[0]

    def _make(self, identity: EnrolAnswer, mailbox: Mailbox, store: Store, trouble: list[BaseException]) -> Running:
        loaded = store.open()
        site = load_site(loaded)
        shared = Shared(
            address=Address(self.router.host, self.router.port, "agent", "pw"),
            clock=self.machine,
            unseal=unsealer(site, AGENT, self.cloud.sealing),
            targets=site.targets,
            post=mailbox.put,
            connection_query=self.connection_query,
        )
        worker = RouterWorker(shared, pass_every_s=self.pass_every_s)
        agent = Agent(
            Parts(
                identity=identity,
                clock=self.clock,
                store=store,
                loaded=loaded,
                site=site,
                time=Timekeeper(self.clock, loaded.time, lambda kept: store.save_single("time", kept)),
                keys=KeyRing(identity, loaded.key_list),
                speaker=Speaker(
                    AGENT, INSTALLATION, self.cloud.agent_signer, start=self.starts, new_id=self.clock.new_id
                ),
                outbox=Outbox(store, low=loaded.outbox_low, following=loaded.outbox_next),
                mailbox=mailbox,
                link=self.cloud,
                roads=worker,
                status=StatusFile(self.folder / "run"),
                find_dead_thread=lambda: "",
            )
        )
        return Running(self.cloud, self.clock, agent, worker, store, mailbox, threading.current_thread(), trouble)


PERSONALITIES = ("6.49.18", "7.18.2")
"""The two RouterOS that towers run; what must hold on both is parametrised with these."""


@contextmanager
def rig(folder: Path, *, script: str = "", version: str = "7.18.2") -> Iterator[Rig]:
    """A router prepared as the site script prepares it, and a cloud; no agent yet."""
    clock = ShiftedClock()
    setup = Setup(version=version, user="agent", password="pw")
    with running_router(setup, script=BASE_SCRIPT + RULES_SCRIPT + script) as router:
        yield Rig(router, FakeCloud(clock), clock, folder)


def until(condition: Callable[[], Any], timeout_s: float = 20.0, what: str = "") -> Any:
    """Wait until something is so, and return it."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    raise AssertionError(f"not within {timeout_s} s: {what or condition}")


def walled(router: RunningRouter) -> set[str]:
    """Addresses on the walled list."""
    rows = router.rows("/ip/firewall/address-list")
    return {row["address"] for row in rows if row["list"] == "mnara-walled" and row.get("disabled") != "true"}


def secrets(router: RunningRouter) -> dict[str, dict[str, str]]:
    """Secrets by name."""
    return {row["name"]: row for row in router.rows("/ppp/secret")}
