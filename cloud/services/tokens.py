"""Bearer tokens: made for a staff member, shown once, narrowed to scopes, revoked."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from cloud.db import access as rows
from cloud.db.access import Token
from cloud.db.bulk import insert_rows, run_all
from cloud.db.engine import Connection
from cloud.db.tables.parties import api_token
from cloud.domain.payment import clean
from cloud.services.act import Act
from cloud.services.audit_line import audit_line
from cloud.services.errors import Forbidden, Invalid, NotFound, WrongState
from cloud.services.roles import EVERYTHING, SCOPES, Role, Scope, scopes_of
from cloud.services.staff import lock_active

_TOKEN = re.compile(r"mnt_([0-9a-f]{32})_([0-9a-f]{32,128})")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: the only time that `token`, its secret form, is shown."""

    token: str
    row: Token


def find_parts(token: str) -> tuple[UUID, bytes] | None:
    """Read a token as its tenant and its secret's hash; None if it is none of ours."""
    match = _TOKEN.fullmatch(token)
    return (UUID(hex=match[1]), _sha256(match[2])) if match else None


async def add_token(
    connection: Connection,
    act: Act,
    tenant_id: UUID,
    *,
    secret: str,
    staff_id: UUID,
    name: str,
    scopes: list[str] | None = None,
    until: datetime | None = None,
    held: Collection[Scope] | None = None,
) -> NewToken:
    """Make a token. `held`: what the asking token may do, which the new one may not exceed; None asks nothing."""
    shown = clean(name)
    if not shown:
        raise Invalid("A token needs a name. Say which program will use it.")
    if until is not None and until <= act.now:
        raise Invalid("The token would have expired already. Give it a time that is to come.")
    member = await lock_active(connection, tenant_id, staff_id)
    granted = _check_scopes(Role(member.role), scopes or [EVERYTHING], held)
    made = Token(act.new_id(), member.id, shown, granted, act.now, until, revoked_at=None)
    row = {"tenant_id": tenant_id, "secret_sha256": _sha256(secret)}
    row |= {name: getattr(made, name) for name in Token.__slots__}
    after = {"staff_id": str(member.id), "name": shown, "scopes": granted}
    said = audit_line(act, tenant_id, "token.add", ("token", made.id), after=after)
    await run_all(connection, [*insert_rows(api_token, [row]), *said])
    return NewToken(f"mnt_{tenant_id.hex}_{secret}", made)


async def list_tokens(
    connection: Connection, tenant_id: UUID, *, limit: int, after: UUID | None = None, staff_id: UUID | None = None
) -> list[Token]:
    """List tokens, revoked ones too, in the order in which they were made."""
    return await rows.list_tokens(connection, tenant_id, limit=limit, after=after, staff_id=staff_id)


async def revoke_token(connection: Connection, act: Act, tenant_id: UUID, token_id: UUID) -> Token:
    """Make a token useless from the commit on."""
    found = await rows.lock_token(connection, tenant_id, token_id)
    if found is None:
        raise NotFound("There is no such token. Look its id up in the list of tokens.")
    if found.revoked_at is not None:
        raise WrongState("This token is revoked already. Nothing remains to be done.")
    await rows.revoke_token(connection, tenant_id, token_id, act.now)
    before = {"staff_id": str(found.staff_id), "name": found.name}
    await run_all(connection, audit_line(act, tenant_id, "token.revoke", ("token", token_id), before=before))
    return replace(found, revoked_at=act.now)


def _check_scopes(role: Role, asked: list[str], held: Collection[Scope] | None) -> list[str]:
    wanted = sorted(set(asked))
    if unknown := [scope for scope in wanted if scope not in {*Scope, EVERYTHING}]:
        raise Invalid(f"{clean(unknown[0])!r} is no scope. The scopes are {', '.join(Scope)}.")
    if beyond := [scope for scope in wanted if scope not in {*SCOPES[role], EVERYTHING}]:
        raise Invalid(f"The role {role} does not hold the scope {beyond[0]}. Leave it out.")
    if held is not None and (more := sorted(scopes_of(role, wanted) - set(held))):
        raise Forbidden(more[0])
    return wanted


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
