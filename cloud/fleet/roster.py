"""Agents and tenants' keys in memory, so that a message costs no look-up; a notice or a failed check empties an
entry."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from cloud.db import fleet
from cloud.db.engine import Connection
from cloud.db.fleet import AgentRow
from cloud.db.secrets import SecretBox
from cloud.fleet.keys import TenantKeys, ensure_keys

_AGENTS_MAX = 50_000
_STRANGERS_MAX = 1_000
_KEYS_LIFE = timedelta(hours=1)


@dataclass
class Roster:
    """A cache; what it says of revocation is only a first look, each transaction asks again."""

    box: SecretBox
    _by_name: OrderedDict[str, AgentRow] = field(default_factory=OrderedDict)
    _by_site: dict[UUID, AgentRow] = field(default_factory=dict)
    _strangers: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _keys: dict[UUID, tuple[datetime, TenantKeys]] = field(default_factory=dict)

    def known(self, name: str) -> AgentRow | None:
        """Return an agent if it is in memory."""
        return self._by_name.get(name)

    def is_stranger(self, name: str) -> bool:
        """Tell whether the database said lately that there is no such agent."""
        return name in self._strangers

    async def find(self, connection: Connection, name: str) -> AgentRow | None:
        """Find an agent by name, revoked or not."""
        agent = await fleet.find_agent(connection, name)
        if agent is None:
            self._strangers[name] = None
            if len(self._strangers) > _STRANGERS_MAX:
                self._strangers.popitem(last=False)
            return None
        return self._keep(agent)

    async def find_at(self, connection: Connection, site_id: UUID) -> AgentRow | None:
        """Find a site's active agent."""
        agent = self._by_site.get(site_id)
        if agent is None:
            agent = await fleet.find_site_agent(connection, site_id)
        return self._keep(agent) if agent else None

    async def keys(self, connection: Connection, tenant_id: UUID, now: datetime) -> TenantKeys:
        """Return what signs for a tenant."""
        read_at, keys = self._keys.get(tenant_id, (None, None))
        if keys is None or read_at is None or now - read_at > _KEYS_LIFE:
            keys = await ensure_keys(connection, tenant_id, self.box, now)
            self._keys[tenant_id] = (now, keys)
        return keys

    def forget(self, name: str) -> AgentRow | None:
        """Drop an agent that changed, and return what was known of it."""
        self._strangers.pop(name, None)
        agent = self._by_name.pop(name, None)
        if agent is not None and self._by_site.get(agent.site_id) == agent:
            del self._by_site[agent.site_id]
        return agent

    def forget_all(self) -> None:
        """Drop everything: notices may have been missed."""
        self._by_name.clear()
        self._by_site.clear()
        self._strangers.clear()
        self._keys.clear()

    def _keep(self, agent: AgentRow) -> AgentRow:
        self._by_name[agent.name] = agent
        if agent.active:
            self._by_site[agent.site_id] = agent
        if len(self._by_name) > _AGENTS_MAX:
            _, oldest = self._by_name.popitem(last=False)
            self._by_site.pop(oldest.site_id, None)
        return agent
