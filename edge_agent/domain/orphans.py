"""What a whole reading shows beside the targets: rows of ours that nobody wants, or that somebody moved."""

from dataclasses import replace

from edge_agent.domain.observed import Observed
from edge_agent.domain.wanted import Target, owner_of


def with_strays(observed: Observed, targets: dict[str, Target]) -> dict[str, Target]:
    """Return the targets (only those) whose rows were found in wrong places, and those of unknown entitlements.

    A secret renamed by hand still carries its mark; so does a wall row at an address that its owner no longer has.
    """
    found: dict[str, Target] = {}

    def note(owner: str, name: str | None, address: str | None, prefix: str | None) -> None:
        known = found.get(owner) or targets.get(owner) or Target(owner, None, "off", "unknown")
        if (name in known.names) or (address in known.addresses) or (prefix in known.prefixes):
            return
        found[owner] = replace(
            known,
            old_names=(*known.old_names, name) if name else known.old_names,
            old_addresses=(*known.old_addresses, address) if address else known.old_addresses,
            old_prefixes=(*known.old_prefixes, prefix) if prefix else known.old_prefixes,
        )

    for name, row in observed.secrets.items():
        if (owner := owner_of(row.comment)) is not None and not _is_at_home(targets.get(owner), name):
            note(owner, name, None, None)
    for address, wall in observed.walls.items():
        if (owner := owner_of(wall.comment)) is not None:
            note(owner, None, address if wall.family == 4 else None, address if wall.family == 6 else None)
    return found


def _is_at_home(target: Target | None, name: str) -> bool:
    return target is not None and target.right is not None and target.right.username == name
