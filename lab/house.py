"""A whole ISP on loopback: the real programs, the simulated world around them, and the links between."""

import asyncio
import random
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.clock import Clock, SystemClock
from lab.cloud_door import CloudDoor, Row
from lab.links import Link
from lab.people import Person
from lab.processes import Program, argv_of, free_port, run_for_json, run_once, tail
from lab.router_door import RouterDoor
from lab.safaricom.rail import Rail, Shop
from lab.servers import Servers
from lab.waiting import until

POOL = "100.64.0.0/20"
PAY_ADDRESS = "10.0.0.2"
ROUTER_USER = "mnara-agent"
SHORTCODE = "600638"
UPLINK_HOST = "127.0.0.2"  # where sites reach the broker: the near end of the uplink, on the same port as the far end
START_LIMIT_S = 60.0  # initdb on a slow machine; a warm start takes two seconds
CONVERGE_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Plans:
    """What the house is built from."""

    folder: Path
    router_version: str = "7.18.2"
    agent_command: str | None = None
    agent_env: Mapping[str, str] = field(default_factory=dict)
    cloud_env: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1


class House:
    """Everything that runs. Built by `lab.building`; used by the story and the benches through its public doors."""

    cloud: CloudDoor
    router: RouterDoor
    rail: Rail
    uplink: Link
    """Between site and broker."""
    lan: Link
    """Between agent and router."""

    def __init__(self, plans: Plans, servers: Servers, *, clock: Clock | None = None) -> None:
        self.plans = plans
        self.servers = servers
        self.clock = clock or SystemClock()
        self.chance = random.Random(plans.seed)  # noqa: S311  # a simulation that can be replayed, not a secret
        self.programs: dict[str, Program] = {}
        self.people: list[Person] = []
        self.site: Row = {}
        self.plan: Row = {}
        self.tell: Callable[[str], None] = lambda _: None
        self.logs = plans.folder / "logs"
        self.cloud_folder = plans.folder / "cloud"
        self.agent_folder = plans.folder / "agent"
        self.http_port, self.enrol_port, self.broker_port = free_port(), free_port(), free_port()
        self.router_password = secrets.token_urlsafe(18)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Agents before the cloud, the worker before the api: each ends while what it talks to still answers.
        for program in reversed(list(self.programs.values())):
            await program.stop()
        await self._stack.aclose()
        await asyncio.to_thread(self.servers.close)

    async def run(self, name: str, argv: list[str], env: Mapping[str, str] | None = None) -> Program:
        """Start one of the programs under a name."""
        program = Program(name, argv, folder=self.logs, env=env or {})
        self.programs[name] = program
        await program.start()
        return program

    @property
    def cloud_env(self) -> dict[str, str]:
        """The environment in which every cloud command runs."""
        return {
            "MNARA_CLOUD_DATA_DIR": str(self.cloud_folder),
            "MNARA_CLOUD_HTTP_HOST": "127.0.0.1",
            "MNARA_CLOUD_HTTP_PORT": str(self.http_port),
            "MNARA_CLOUD_ENROL_HOST": "127.0.0.1",
            "MNARA_CLOUD_ENROL_PORT": str(self.enrol_port),
            "MNARA_CLOUD_BROKER_HOST": "127.0.0.1",
            "MNARA_CLOUD_BROKER_PORT": str(self.broker_port),
            "MNARA_CLOUD_PUBLIC_HOST": UPLINK_HOST,
            **self.servers.cloud_env(),
            **self.plans.cloud_env,
        }

    async def start_router(self) -> None:
        """Make the router's script as an installer would, start the simulated MikroTik with it, open its doors."""
        script = self.plans.folder / "router.rsc"
        wanted = {
            "--identity": "TWR-DEMO", "--pool": POOL, "--pay": PAY_ADDRESS, "--agent-address": "127.0.0.1",
            "--user": ROUTER_USER, "--version": self.plans.router_version, "--interface": "ether2",
        }  # fmt: skip
        argv = [*argv_of("mnara-provision"), "router", "script", *_options(wanted)]
        script.write_text(await run_once(argv, env={"MNARA_ROUTER_PASSWORD": self.router_password}))
        port, control = free_port(), free_port()
        wanted = {
            "--port": str(port), "--control": f"127.0.0.1:{control}", "--script": str(script),
            "--version": self.plans.router_version, "--user": ROUTER_USER, "--password": self.router_password,
        }  # fmt: skip
        argv = [*argv_of("mnara-lab"), "router", *_options(wanted)]
        await self.run("router", argv)
        self.router = RouterDoor("127.0.0.1", control)
        self._stack.push_async_callback(self.router.close)
        self.lan = await self._link("lan", port)
        await self.ready("router", "the simulated router's control door", self._router_answers)

    async def start_cloud(self) -> None:
        """Start the two cloud processes; the first brings the embedded servers."""
        self.cloud_folder.mkdir(parents=True, exist_ok=True)
        self.uplink = await self._link("uplink", self.broker_port, UPLINK_HOST, self.broker_port)
        self.rail = Rail(clock=self.clock, chance=self.chance)
        self._stack.push_async_callback(self.rail.close)
        await self.servers.start(self)
        self.cloud = await self._stack.enter_async_context(CloudDoor(f"http://127.0.0.1:{self.http_port}"))
        cloud = argv_of("mnara-cloud")
        await self.run("api", [*cloud, "serve", "--only", "api"], self.cloud_env)
        await self.ready("api", "the cloud's /healthz", self.cloud.is_alive)
        await self.run("worker", [*cloud, "serve", "--only", "worker"], self.cloud_env)
        await self.ready("api", "the cloud's /readyz", self.cloud.is_ready)

    async def open_shop(self) -> None:
        """Add the tenant as the platform's operator, then its site, plan and shortcode as the tenant."""
        argv = [*argv_of("mnara-cloud"), "tenant", "add", "demo", "--name", "Demo Net", "--owner", "owner@demo.example"]
        self.cloud.token = str((await run_for_json(argv, env=self.cloud_env))["token"])
        self.site = await self.cloud.post("/v1/sites", {"name": "Demo tower", "pool": POOL})
        self.plan = await self.cloud.post(
            "/v1/plans",
            {
                "name": "Home 5",
                "price_cents": 150_000,
                "duration_s": 30 * 86_400,
                "up_bps": 2_000_000,
                "down_bps": 5_000_000,
            },
        )
        shop = await self.cloud.post("/v1/shortcodes", {"rail": "mpesa", "shortcode": SHORTCODE})
        self.rail.register(
            Shop(SHORTCODE, self._absolute(shop["confirmation_url"]), self._absolute(shop["validation_url"]))
        )

    def _absolute(self, url: str) -> str:
        """The shop's address as the rail reaches it here, whatever public name the cloud believes to have."""
        path = "/" + url.split("://", 1)[-1].split("/", 1)[-1] if "://" in url else url
        return f"http://127.0.0.1:{self.http_port}{path}"

    async def enrol_agent(self) -> None:
        """Claim the site, enrol the agent and start it behind the two links."""
        claim = await self.cloud.post(f"/v1/sites/{self.site['id']}/claims")
        password_file = self.plans.folder / "router.password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.router_password)
        wanted = {
            "--cloud": f"https://127.0.0.1:{self.enrol_port}", "--claim": claim["claim_code"],
            "--ca-pin": claim["ca_pin"], "--data": str(self.agent_folder),
            "--router-host": "127.0.0.1", "--router-port": str(self.lan.port),
            "--router-user": ROUTER_USER, "--router-password-file": str(password_file),
        }  # fmt: skip
        agent = self.agent_argv
        await run_once([*agent, "enrol", *_options(wanted)], env=self.plans.agent_env)
        await self.run("agent", [*agent, "run", "--data", str(self.agent_folder)], self.plans.agent_env)

    @property
    def agent_argv(self) -> list[str]:
        """The agent's command; another installation's may be asked for."""
        return [self.plans.agent_command] if self.plans.agent_command else argv_of("mnara-agent")

    async def get_site(self) -> Row:
        """The site as the API shows it."""
        return await self.cloud.get(f"/v1/sites/{self.site['id']}")

    async def converged(self, limit_s: float = CONVERGE_LIMIT_S) -> Row:
        """Wait until the router is read back to match what is desired, by number and by digest."""
        return await until("the site to converge", self.get_site, is_converged, limit_s=limit_s)

    async def ready(self, name: str, what: str, look: Callable[[], Any], limit_s: float = START_LIMIT_S) -> None:
        """Wait for a door of a program, and stop waiting when the program has ended."""
        program = self.programs[name]

        async def look_alive() -> bool:
            program.check()
            return bool(await look())

        await until(what, look_alive, bool, limit_s=limit_s)

    def last_words(self, lines: int = 15) -> str:
        """The ends of all logs, for whoever has to find out what went wrong."""
        return "\n".join(f"--- {name}\n{tail(program.log, lines)}" for name, program in self.programs.items())

    async def _link(self, name: str, port: int, host: str = "127.0.0.1", own_port: int = 0) -> Link:
        link = Link(name, "127.0.0.1", port, clock=self.clock, chance=self.chance)
        await link.open(host, own_port)
        self._stack.push_async_callback(link.close)
        return link

    async def _router_answers(self) -> bool:
        await self.router.ask("stats")
        return True


def _options(wanted: Mapping[str, str]) -> list[str]:
    return [part for pair in wanted.items() for part in pair]


def is_converged(site: Row) -> bool:
    """Whether the reported state is the desired one: by number, by digest, and by what the router was read to be."""
    reported = site.get("reported")
    if not reported:
        return False
    wanted = (site["epoch"], site["generation"], site["digest"], site["digest"])
    return wanted == (reported["epoch"], reported["applied"], reported["digest"], reported["router_digest"])


def scratch_folder(root: Path) -> Path:
    """Make a folder for one run."""
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"demo-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o755)
    return folder
