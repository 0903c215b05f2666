"""Puts a running agent together from its data folder."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.agent import Agent
from edge_agent.clock import Clock
from edge_agent.domain.site import Site
from edge_agent.errors import NotEnrolled
from edge_agent.link.mqtt import Credentials, MqttLink, Topics
from edge_agent.link.outbox import Outbox
from edge_agent.link.speech import Speaker
from edge_agent.link.trust import KeyRing
from edge_agent.mailbox import Mailbox, Stop
from edge_agent.parts import Parts
from edge_agent.routeros.client import Address
from edge_agent.routeros.said import Shared
from edge_agent.routeros.worker import RouterWorker
from edge_agent.settings import Settings
from edge_agent.status import StatusFile, runtime_folder
from edge_agent.store.identity import DataFolder, RouterFile
from edge_agent.store.store import Loaded, Store
from edge_agent.timekeeper import Timekeeper
from protocol.enrolment import EnrolAnswer
from protocol.errors import ProtocolError, SealBroken
from protocol.messages import Gone
from protocol.sealing import context, unseal
from protocol.signing import Signer
from protocol.topics import topic

SWITCH_S: Final = 0.0005
"""How long one thread may keep the interpreter from another: a whole pass must not delay a payment."""
HANGS_US: Final = 120_000_000
"""A link thread that has not gone round for so long is dead, whatever it says."""


class RunningAgent:
    """An agent with its threads; `run` blocks in the caller's thread, `stop` may come from any."""

    def __init__(self, folder: DataFolder, settings: Settings, clock: Clock) -> None:
        sys.setswitchinterval(SWITCH_S)
        identity = folder.get_identity()
        router = folder.get_router()
        self._mailbox = Mailbox()
        self.site_name = identity.site_name
        start = folder.next_start()
        store = Store(folder.store_path, start=start)
        loaded = store.open()
        signer = Signer.from_bytes(folder.get_raw_key("signing"))
        self._clock = clock
        self._store = store
        self._speaker = Speaker(identity.agent, identity.installation, signer, start=start, new_id=clock.new_id)
        self._time = Timekeeper(clock, loaded.time, lambda kept: store.save_single("time", kept))
        self.site = load_site(loaded)
        self._link = MqttLink(
            identity.agent,
            credentials_of(folder, identity),
            topics_of(identity),
            clock,
            self._mailbox.from_link,
            self._will,
        )
        self.worker = self._make_worker(identity, router, folder.get_raw_key("sealing"), settings)
        self.status = StatusFile(runtime_folder(folder.path, settings.runtime_dir))
        self.agent = Agent(
            Parts(
                identity=identity,
                clock=clock,
                store=store,
                loaded=loaded,
                site=self.site,
                time=self._time,
                keys=_key_ring(identity, loaded),
                speaker=self._speaker,
                outbox=Outbox(store, low=loaded.outbox_low, following=loaded.outbox_next),
                mailbox=self._mailbox,
                link=self._link,
                roads=self.worker,
                status=self.status,
                find_dead_thread=self._find_dead_thread,
            )
        )

    def _make_worker(
        self, identity: EnrolAnswer, router: RouterFile, sealing: bytes, settings: Settings
    ) -> RouterWorker:
        shared = Shared(
            address=address_of(router),
            clock=self._clock,
            unseal=unsealer(self.site, identity.agent, sealing),
            targets=self.site.targets,
            post=self._mailbox.put,
            connection_query=settings.connection_query,
        )
        return RouterWorker(shared, pass_every_s=settings.pass_every_s)

    def _will(self) -> tuple[str, bytes]:
        connection = self._clock.new_id()
        gone = Gone(connection=connection, reason="connection lost")
        return connection, self._speaker.frame(gone, now_us=self._time.now_us(), quality=self._time.quality)

    def _find_dead_thread(self) -> str:
        dead = self.worker.list_dead()
        if not self._link.thread.is_alive() or self._clock.boot_us() - self._link.beat_us > HANGS_US:
            dead.append(self._link.thread.name)
        return ", ".join(dead)

    def run(self) -> None:
        """Work until `stop`."""
        self._link.thread.start()
        try:
            self.agent.run()
        finally:
            self._link.stop(self.agent.goodbye())
            self.worker.stop()
            self._store.close()
            self.status.remove()

    def stop(self) -> None:
        """Ask the loop to end."""
        self._mailbox.put(Stop())


def load_site(loaded: Loaded) -> Site:
    """Make the site of what the store held."""
    site = Site()
    if loaded.held is not None:
        site.load(loaded.held, loaded.rights, loaded.pending, loaded.applied)
    loaded.rights.clear()
    return site


def _key_ring(identity: EnrolAnswer, loaded: Loaded) -> KeyRing:
    try:
        return KeyRing(identity, loaded.key_list)
    except ProtocolError as error:
        raise NotEnrolled(f"the key list is damaged ({error})", "enrol again with a new claim code") from error


def address_of(router: RouterFile) -> Address:
    """Where the router is and how to log in."""
    return Address(router.host, router.port, router.user, router.password, router.tls, router.certificate_sha256)


def credentials_of(folder: DataFolder, identity: EnrolAnswer) -> Credentials:
    """Return what the mutual TLS needs."""
    broker = identity.broker
    return Credentials(broker.host, broker.port, folder.ca_path, folder.certificate_path, folder.key_path)


def topics_of(identity: EnrolAnswer) -> Topics:
    """Return the agent's topics."""
    return Topics(*(topic(identity.shard, identity.agent, stream) for stream in ("dn", "up", "lw")))


def unsealer(site: Site, agent: str, sealing: bytes) -> Callable[[str], str]:
    """Return what opens an entitlement's password, when it is written and not before."""

    def open_password(entitlement: str) -> str:
        target = site.targets.get(entitlement)
        if target is None or target.right is None:
            raise SealBroken("the entitlement is gone")
        return unseal(target.right.sealed, private=sealing, bound_to=context(agent, entitlement))

    return open_password


def data_folder(path: Path) -> DataFolder:
    """Return the data folder, made if it is not there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return DataFolder(path)
