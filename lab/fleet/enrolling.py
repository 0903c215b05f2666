"""How simulated agents become known: sites and claims made over the REST API, then the cloud's own enrolment door."""

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from lab.cloud_door import CloudDoor, Row
from lab.errors import LabError, Refused
from lab.fleet.identity import Identity, Keys, keep
from protocol.enrolment import EnrolAnswer

AT_ONCE: Final = 8
TIMEOUT_S: Final = 30.0
TRIES_MAX: Final = 5
AGAIN_S: Final = 0.5
CA_BYTES_MAX: Final = 64 * 1024
POOLS: Final = 64 * 256
"""How many /24 there are in 100.64.0.0/10: each site gets its own."""

Given = TypeVar("Given")


class Recruiter:
    """Makes sites, claims them and enrols agents there. `enrol_url` overrides what the cloud says of its door."""

    def __init__(self, cloud: CloudDoor, folder: Path, *, prefix: str, enrol_url: str = "") -> None:
        self._cloud = cloud
        self._folder = folder
        self._prefix = prefix
        self._enrol_url = enrol_url
        self._doors: dict[tuple[str, str], httpx.AsyncClient] = {}
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Hang up."""
        for door in self._doors.values():
            await door.aclose()
        self._doors.clear()

    async def enrol(self, count: int, tell: Callable[[Identity], None]) -> None:
        """Enrol so many agents, each at a site of its own; `tell` hears of each as soon as it is known."""
        sites = iter(await self._sites(count))
        failures: list[Exception] = []

        async def work() -> None:
            for site in sites:
                try:
                    tell(await self._one(site))
                except (LabError, httpx.HTTPError, OSError) as error:
                    failures.append(error)
                    return

        await asyncio.gather(*(work() for _ in range(min(AT_ONCE, count))))
        if failures:
            raise LabError(f"enrolling stopped: {failures[0]}") from failures[0]

    async def _sites(self, count: int) -> list[Row]:
        """Sites of our prefix where nobody is enrolled, and new ones for the rest."""
        ours = [site async for site in self._cloud.each("/v1/sites") if str(site["name"]).startswith(self._prefix)]
        free = [site for site in ours if site["agent"] is None][:count]
        for number in range(len(ours), len(ours) + count - len(free)):
            if number >= POOLS:
                raise LabError(f"at most {POOLS} sites have a pool of their own; use another tenant")
            pool = f"100.{64 + number // 256}.{number % 256}.0/24"
            free.append(await self._cloud.post("/v1/sites", {"name": f"{self._prefix}{number + 1:05d}", "pool": pool}))
        return free

    async def _one(self, site: Row) -> Identity:
        claim = await _patiently(lambda: self._cloud.post(f"/v1/sites/{site['id']}/claims"))
        keys = Keys.generate()
        door = await self._door(self._enrol_url or str(claim["enrol_url"]), str(claim["ca_pin"]))
        request = keys.request(str(claim["claim_code"])).model_dump(mode="json")
        # The same keys again if need be: the claim is bound to them by its first use, and not used up.
        return await _patiently(lambda: self._ask(door, keys, request))

    async def _ask(self, door: httpx.AsyncClient, keys: Keys, request: dict[str, Any]) -> Identity:
        response = await door.post("/enrol", json=request)
        if response.status_code != httpx.codes.OK:
            raise Refused("the enrolment door", "POST /enrol", response.status_code, response.text)
        return keep(self._folder, keys, EnrolAnswer.model_validate_json(response.content))

    async def _door(self, url: str, pin: str) -> httpx.AsyncClient:
        """Open the door once: its authority is fetched over TLS that proves nothing, and believed by its pin."""
        async with self._opening:
            if (url, pin) not in self._doors:
                ca_pem = await _fetch_ca(url, pin)
                trust = ssl.create_default_context(cadata=ca_pem.decode("ascii"))
                self._doors[url, pin] = httpx.AsyncClient(
                    base_url=url, verify=trust, timeout=TIMEOUT_S, trust_env=False
                )
            return self._doors[url, pin]


async def _patiently(act: Callable[[], Awaitable[Given]]) -> Given:
    """Try again after a broken connection or a 5xx, a few times: what is done here may safely be done twice."""
    for attempt in range(1, TRIES_MAX):
        try:
            return await act()
        except Refused as refusal:
            if refusal.status < httpx.codes.INTERNAL_SERVER_ERROR:
                raise
        except httpx.TransportError:
            pass
        await asyncio.sleep(AGAIN_S * attempt)
    return await act()


async def _fetch_ca(url: str, pin: str) -> bytes:
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    async with httpx.AsyncClient(base_url=url, verify=blind, timeout=TIMEOUT_S, trust_env=False) as client:
        response = await client.get("/ca.pem")
    if response.status_code != httpx.codes.OK or len(response.content) > CA_BYTES_MAX:
        raise LabError(f"{url} gives no certificate authority (status {response.status_code}); give --enrol")
    try:
        found = "sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(response.text)).hexdigest()
    except ValueError as error:
        raise LabError(f"what {url} gives is no certificate; give the enrolment door's address as --enrol") from error
    if found != pin:
        raise LabError(f"{url} shows another certificate authority than the claim pins; somebody is in between")
    return response.content
