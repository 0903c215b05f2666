"""Who may do what: six roles, and the scopes each of them holds. A token may hold fewer, never more."""

from enum import StrEnum


class Scope(StrEnum):
    """One kind of access; every route asks for exactly one."""

    SITES_READ = "sites:read"
    SITES_WRITE = "sites:write"
    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    CLAIMS_WRITE = "claims:write"
    PLANS_READ = "plans:read"
    PLANS_WRITE = "plans:write"
    SUBSCRIBERS_READ = "subscribers:read"
    SUBSCRIBERS_WRITE = "subscribers:write"
    PAYMENTS_READ = "payments:read"
    CASH_WRITE = "cash:write"
    SUSPENSE_READ = "suspense:read"
    SUSPENSE_WRITE = "suspense:write"
    CALLBACKS_READ = "callbacks:read"
    CALLBACKS_WRITE = "callbacks:write"
    SHORTCODES_READ = "shortcodes:read"
    SHORTCODES_WRITE = "shortcodes:write"
    BOOKS_READ = "books:read"
    STAFF_READ = "staff:read"
    STAFF_WRITE = "staff:write"
    AUDIT_READ = "audit:read"


class Role(StrEnum):
    """What a staff member is employed for."""

    OWNER = "owner"
    FINANCE = "finance"
    SUPPORT = "support"
    NOC = "noc"
    INSTALLER = "installer"
    AUDITOR = "auditor"


EVERYTHING = "*"
"""A token's scope that stands for all of its owner's role."""

_S = Scope
_READ = frozenset(scope for scope in Scope if scope.endswith(":read"))
# Shortcode answers carry the webhook's URL, which is a secret of its kind: only who registers it sees it.
_SECRETIVE = frozenset({_S.SHORTCODES_READ})

SCOPES: dict[Role, frozenset[Scope]] = {
    Role.OWNER: frozenset(Scope),
    Role.FINANCE: frozenset(
        {_S.SITES_READ, _S.PLANS_READ, _S.PLANS_WRITE, _S.SUBSCRIBERS_READ, _S.PAYMENTS_READ, _S.CASH_WRITE}
        | {_S.SUSPENSE_READ, _S.SUSPENSE_WRITE, _S.CALLBACKS_READ, _S.CALLBACKS_WRITE}
        | {_S.SHORTCODES_READ, _S.SHORTCODES_WRITE, _S.BOOKS_READ}
    ),
    Role.SUPPORT: frozenset(
        {_S.SITES_READ, _S.AGENTS_READ, _S.PLANS_READ, _S.SUBSCRIBERS_READ, _S.SUBSCRIBERS_WRITE}
        | {_S.PAYMENTS_READ, _S.CASH_WRITE, _S.SUSPENSE_READ}
    ),
    Role.NOC: frozenset(
        {_S.SITES_READ, _S.SITES_WRITE, _S.AGENTS_READ, _S.AGENTS_WRITE, _S.CLAIMS_WRITE}
        | {_S.PLANS_READ, _S.SUBSCRIBERS_READ}
    ),
    Role.INSTALLER: frozenset({_S.SITES_READ, _S.AGENTS_READ, _S.CLAIMS_WRITE}),
    Role.AUDITOR: _READ - _SECRETIVE,
}


def scopes_of(role: Role, granted: list[str]) -> frozenset[Scope]:
    """Return what a token of a staff member may do: the role's scopes, narrowed to those granted to the token."""
    held = SCOPES[role]
    return held if EVERYTHING in granted else held & frozenset(granted)
