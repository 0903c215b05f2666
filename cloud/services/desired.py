"""Desired state: the one numbered set of entitlements per site, changed with the business in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from cloud.clock import micros
from cloud.db import desired as rows
from cloud.db.bulk import Statement, insert_rows, run_all, update_rows, upsert_rows
from cloud.db.engine import Connection
from cloud.db.secrets import SecretBox
from cloud.db.tables.fleet import desired_row, sealed_credential
from cloud.db.tables.network import site
from cloud.db.tables.records import timeline
from cloud.db.wallets import Key, to_subscription
from cloud.domain.entitlement import Grant, grant
from cloud.domain.subscription import Subscription
from cloud.services.act import Act
from cloud.services.errors import NotFound
from protocol import digest, sealing
from protocol.entitlement import Credential, Entitlement, Rate, render_row


@dataclass(frozen=True, slots=True)
class Change:
    """A subscription whose rules may say something new to its site."""

    tenant_id: UUID
    subscriber_id: UUID
    site_id: UUID
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Publication:
    """What to write for a set of changes, and the generation that each changed site is at then."""

    statements: list[Statement] = field(default_factory=list)
    generations: dict[Key, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Site:
    """One locked site while its new generation is put together."""

    key: Key
    generation: int
    digest: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    sealed: list[dict[str, Any]] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)


def password_context(subscription_id: UUID) -> str:
    """Name what a stored access password belongs to."""
    return f"subscription/{subscription_id}/password"


async def publish_changes(connection: Connection, act: Act, changes: Sequence[Change]) -> dict[Key, int]:
    """Write what changed for the sites; return the new generation of each site that has one."""
    publication = await plan_publication(connection, act, changes)
    await run_all(connection, publication.statements)
    return publication.generations


async def plan_publication(connection: Connection, act: Act, changes: Sequence[Change]) -> Publication:
    """Lock the sites and compose their next generation; a row whose text stays the same makes none.

    A site without an agent gets nothing: there is no key to seal its passwords to. `render_site` does it at enrolment.
    """
    if not changes:
        return Publication()
    latest = {(change.tenant_id, change.subscription.id): change for change in changes}
    locked, sources = await rows.lock_sites(connection, {(c.tenant_id, c.site_id) for c in changes}, latest)
    sites = {key: _Site(key, row.generation + 1, row.digest) for key, row in locked.items()}
    for key, source in sources.items():
        what = grant(latest[key].subscription)
        _put(sites[source.tenant_id, source.site_id], source, what, act)
    return _compose(sites.values())


async def render_site(connection: Connection, act: Act, tenant_id: UUID, site_id: UUID) -> int:
    """Render all rows anew for the site's active agent, as one new generation; call it in the enrolling transaction."""
    locked, sources = await rows.read_site(connection, tenant_id, site_id)
    if locked is None:
        raise NotFound("There is no such site. Look its id up in the list of sites.")
    at = _Site((tenant_id, site_id), locked.generation + 1, locked.digest)
    for source in sources:
        _put(at, source, grant(to_subscription(source)), act)
    await run_all(connection, _compose([at]).statements)
    return at.generation if at.rows else int(locked.generation)


def _put(at: _Site, source: Any, what: Grant, act: Act) -> None:
    """Add one subscription's row to the site's next generation, if its text is new."""
    sealed = _sealed(at, source, act.secrets)
    row = render_row(_entitlement(source, what, sealed))
    if row == source.old_row:
        return
    at.digest = digest.changed(at.digest, removed=[source.old_row] if source.old_row else [], added=[row])
    tenant_id, site_id = at.key
    ids = {"tenant_id": tenant_id, "site_id": site_id, "subscription_id": source.id}
    at.rows.append(ids | {"generation": at.generation, "row": row})
    at.timeline.append(
        {
            "tenant_id": tenant_id,
            "id": act.new_id(),
            "subscriber_id": source.subscriber_id,
            "subscription_id": source.id,
            "kind": "desired",
            # The timeline is read in the order of its instants: this comes after what caused it.
            "at": act.now + timedelta(microseconds=1),
            "data": {"generation": at.generation, "site_id": str(site_id), "at_us": micros(act.now)},
        }
    )


def _sealed(at: _Site, source: Any, secrets: SecretBox) -> str:
    """Return the password sealed to the site's agent, from the cache where it is fresh (sealing costs 0.2 ms)."""
    if (source.sealed_for, source.sealed_revision) == (source.installation, source.password_revision):
        return str(source.sealed)
    password = secrets.open(bytes(source.password_sealed), password_context(source.id)).decode()
    bound_to = sealing.context(source.agent, str(source.id))
    sealed = sealing.seal(password, to_public=bytes(source.sealing_key), bound_to=bound_to)
    at.sealed.append(
        {
            "tenant_id": at.key[0],
            "subscription_id": source.id,
            "installation": source.installation,
            "revision": source.password_revision,
            "sealed": sealed,
        }
    )
    return sealed


def _entitlement(source: Any, what: Grant, sealed: str) -> Entitlement:
    return Entitlement(
        id=str(source.id),
        access=source.access,
        username=source.username,
        credential=Credential(revision=source.password_revision, sealed=sealed),
        address=source.address,
        prefix=source.prefix,
        service="on" if what.is_on else "off",
        rate=Rate(up_bps=what.up_bps, down_bps=what.down_bps),
        valid_until=None if what.until is None else micros(what.until),
        outage_grace_s=what.outage_grace_s,
    )


def _compose(sites: Iterable[_Site]) -> Publication:
    changed = [at for at in sites if at.rows]
    heads = [
        {"tenant_id": at.key[0], "id": at.key[1], "generation": at.generation, "digest": at.digest} for at in changed
    ]
    statements = [
        *upsert_rows(sealed_credential, [row for at in changed for row in at.sealed]),
        *upsert_rows(desired_row, [row for at in changed for row in at.rows]),
        *insert_rows(timeline, [row for at in changed for row in at.timeline]),
        *update_rows(site, heads),
        *rows.notify([at.key for at in changed]),
    ]
    return Publication(statements, {at.key: at.generation for at in changed})
