"""A mosquitto set up for us: two listeners, mutual TLS, one topic rule, and the list of revoked certificates."""

import os
import pwd
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cloud.fleet.ca import Authority
from protocol.limits import MESSAGE_BYTES_MAX

_PACKET_BYTES_MAX = MESSAGE_BYTES_MAX + 1024

_AGENTS_ACL = """\
pattern write mnara1/+/%u/up
pattern write mnara1/+/%u/lw
pattern read mnara1/+/%u/dn
"""
_CLOUD_ACL = """\
pattern read mnara1/+/+/up
pattern read mnara1/+/+/lw
pattern write mnara1/+/+/dn
"""
_CONFIGURATION = """\
# Written by `mnara-cloud broker conf`; write it again rather than change it.
per_listener_settings true
persistence false
set_tcp_nodelay true
max_inflight_messages 200
max_queued_messages 2000
max_packet_size {packet_bytes_max}
connection_messages false
log_dest stderr
pid_file {folder}/mosquitto.pid
user {user}

# Agents. Without use_username_as_clientid one agent could take over another's connection.
listener {agents_port} {agents_host}
allow_anonymous false
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.2
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
crlfile {folder}/crl.pem
acl_file {folder}/agents.acl

# The cloud's own processes, by certificates of another issuer.
listener {cloud_port} {cloud_host}
allow_anonymous false
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.2
cafile {folder}/cloud-ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
acl_file {folder}/cloud.acl
"""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Where mosquitto listens."""

    agents: tuple[str, int]
    cloud: tuple[str, int]


def write_configuration(
    folder: Path, authority: Authority, listeners: Listeners, *, server_names: list[str], user: str, now: datetime
) -> Path:
    """Write everything mosquitto needs into `folder`, readable by `user` alone, and return the configuration's path."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    folder = folder.resolve()
    server = authority.issue_server(server_names, now)
    (agents_host, agents_port), (cloud_host, cloud_port) = listeners.agents, listeners.cloud
    text = _CONFIGURATION.format(
        folder=folder, user=user, packet_bytes_max=_PACKET_BYTES_MAX,
        agents_host=agents_host, agents_port=agents_port, cloud_host=cloud_host, cloud_port=cloud_port,
    )  # fmt: skip
    files = {
        "ca.pem": authority.agents.pem,
        "cloud-ca.pem": authority.cloud.pem,
        "server.pem": server.certificate_pem,
        "server.key": server.key_pem,
        "agents.acl": _AGENTS_ACL,
        "cloud.acl": _CLOUD_ACL,
        "mosquitto.conf": text,
    }
    for name, content in files.items():
        _write(folder / name, content, user)
    if not (folder / "crl.pem").exists():
        write_revoked(folder, authority, [], now, user=user)
    if os.geteuid() == 0:
        os.chown(folder, *_ids(user))
    return folder / "mosquitto.conf"


def write_revoked(
    folder: Path, authority: Authority, revoked: list[tuple[str, datetime]], now: datetime, *, user: str = ""
) -> bool:
    """Write the list of revoked (serial, when) and have mosquitto read it; False if it could not be told."""
    if not folder.is_dir():
        return False
    _write(folder / "crl.pem", authority.agents.revocation_list(revoked, now), user)
    try:
        os.kill(int((folder / "mosquitto.pid").read_text()), signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True


def _write(path: Path, content: str, user: str) -> None:
    owner = path.stat() if path.exists() else None
    draft = path.with_name(f".{path.name}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w") as file:
        file.write(content)
        if os.geteuid() == 0:
            uid, gid = _ids(user) if user else (owner.st_uid, owner.st_gid) if owner else (0, 0)
            os.fchown(file.fileno(), uid, gid)
    draft.rename(path)


def _ids(user: str) -> tuple[int, int]:
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid
