"""Revocation: the agent is refused by every transaction from the commit on, and loses its connection within moments."""

import asyncio
import ssl
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from cloud.db import enrolment as store
from cloud.db import fleet
from cloud.db.engine import Connection
from cloud.db.notify import AGENTS
from cloud.fleet.ca import Authority

_TAKE_OVER_TIMEOUT_S = 5.0
TAKE_OVER_LIFE = timedelta(days=1)


async def revoke_agent(
    connection: Connection,
    tenant_id: UUID,
    agent_id: UUID,
    *,
    reason: str,
    now: datetime,
    new_id: Callable[[], UUID],
    staff_id: UUID | None = None,
) -> str | None:
    """Revoke an agent and return its name; None if there is no active one. Whoever has the broker is told at commit.

    `staff_id`: who did it; None for the platform's operator.
    """
    name = await store.revoke_one(connection, tenant_id, agent_id, reason, now)
    if name is not None:
        line = store.AgentAudit(new_id(), "agent.revoked", name, reason, now, staff_id)
        await store.audit_agent(connection, tenant_id, line)
        await fleet.notify(connection, AGENTS, name)
    return name


async def take_over(authority: Authority, broker: tuple[str, int], name: str, now: datetime) -> bool:
    """Throw an agent out of a broker we do not run, by connecting under its name: a broker keeps one connection per
    client.

    A certificate of the same name but another serial, which never leaves this function, is not on the revocation list.
    """
    key = authority.agents.issue_with_key(name, now=now, days=TAKE_OVER_LIFE.days)
    with tempfile.TemporaryDirectory(prefix="mnara-") as folder:
        file = Path(folder) / "take-over.pem"
        file.write_text(key.certificate_pem + key.key_pem)
        tls = ssl.create_default_context(cadata=authority.agents.pem)
        tls.load_cert_chain(file)
    return await asyncio.to_thread(_connect_once, tls, broker, name)


def _connect_once(tls: ssl.SSLContext, broker: tuple[str, int], name: str) -> bool:
    answers: list[bool] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, reconnect_on_failure=False)
    client.connect_timeout = _TAKE_OVER_TIMEOUT_S
    client.tls_set_context(tls)
    client.on_connect = lambda _c, _d, _f, reason, _p: answers.append(not reason.is_failure)
    try:
        client.connect(broker[0], broker[1], keepalive=10)
        for _ in range(round(_TAKE_OVER_TIMEOUT_S / 0.1)):
            client.loop(timeout=0.1)
            if answers:
                break
    except OSError:
        return False
    client.disconnect()
    return answers == [True]
