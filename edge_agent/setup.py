"""Makes this machine the agent of a site: the router is tried first, because a claim is used once."""

from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.errors import AgentError, EnrolmentFailed
from edge_agent.link.enrol import enrol
from edge_agent.routeros.client import Address, certificate_of
from edge_agent.routeros.line import CONNECT_TIMEOUT_S, Line, lacking_policy
from edge_agent.routeros.rules import lacking_policies
from edge_agent.store.identity import DataFolder, RouterFile
from protocol.enrolment import EnrolAnswer

_PASSWORD_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class RouterChoice:
    """How the installer says the router is reached."""

    host: str
    port: int
    user: str
    password_file: Path
    tls: bool


def enrol_site(data: Path, *, cloud: str, claim: str, ca_pin: str, router: RouterChoice) -> EnrolAnswer:
    """Check the router, prove the claim, keep both; raises AgentError."""
    folder = DataFolder(data)
    if folder.enrolled:
        raise EnrolmentFailed(f"an agent is already enrolled in {data}", "choose another --data, or remove that folder")
    address = _address(router)
    check_router(address).close()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.save_router(
        RouterFile(address.host, address.port, address.user, address.password, address.tls, address.certificate_sha256)
    )
    return enrol(folder, cloud=cloud, claim=claim, ca_pin=ca_pin)


def _address(router: RouterChoice) -> Address:
    try:
        password = router.password_file.read_text()[:_PASSWORD_BYTES_MAX].rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise EnrolmentFailed(
            f"the password file {router.password_file} cannot be read", "check --router-password-file"
        ) from error
    address = Address(router.host, router.port, router.user, password, router.tls)
    if not router.tls:
        return address
    try:
        pin = certificate_of(address, timeout_s=CONNECT_TIMEOUT_S)
    except OSError as error:
        raise EnrolmentFailed(
            f"the router at {router.host}:{router.port} makes no TLS connection ({error})",
            "give its service api-ssl a certificate, or leave out --router-tls on a cable of its own",
        ) from error
    return replace(address, certificate_sha256=pin)


def check_router(address: Address) -> Line:
    """Log in, and check version and policies; raises RouterUnreachable or RouterRefused."""
    clock = Clock()
    line = Line(address, clock, clock.random)
    try:
        lacking = lacking_policies(line.session(), address.user, clock)
        if lacking:
            raise lacking_policy(" and ".join(lacking))
    except AgentError:
        line.close()
        raise
    return line
