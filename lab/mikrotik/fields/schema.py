"""How a menu is described: its fields, names, rules and texts. Menus are data; the verbs read them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.mikrotik.fields.values import Kind, boolean, text

Version = tuple[int, ...]
TABLE_VERBS = frozenset(
    [
        "print",
        "getall",
        "get",
        "add",
        "set",
        "remove",
        "enable",
        "disable",
        "unset",
        "comment",
        "listen",
        "find",
        "export",
    ]
)
BOARDS = ("RB5009", "CHR")
"""A router of the smallest tower size, and the one that runs in a virtual machine."""
ALWAYS = (0,)
NEVER = (999,)
# From here on dates read 2026-01-31 instead of jan/31/2026.
ISO_DATES_SINCE = (7, 10)


@dataclass(frozen=True, slots=True)
class Field:
    """One property.

    `default` None means: absent until it is set, and absent again when unset. `live` computes the value when it
    is printed; `read_only` is stored but not writable. `refers` names the menu whose row names are the only
    values taken (`or_kind` are values taken beside names). `sensitive` is masked without that policy.
    Which properties a version takes in `add` and `set` is not decided here but in `arguments.json`.
    """

    name: str
    kind: Kind = text
    default: str | None = None
    required: bool = False
    read_only: bool = False
    live: "Live | None" = None
    refers: str | None = None
    or_kind: Kind | None = None
    list_of_names: bool = False
    negated: bool = False  # a name may have `!` before it
    sensitive: bool = False
    write_only: bool = False
    absent_when: tuple[str, ...] = ()
    merge: Callable[[str, str], str] | None = None  # (old, written) on set
    since: Version = ALWAYS
    until: Version = NEVER

    def known(self, version: Version) -> bool:
        return self.since <= version < self.until


Derive = Callable[[dict[str, str], dict[str, str]], dict[str, str]]
"""(the row as it will be, what was written) → values that follow from them."""

Born = Callable[[Any, str], dict[str, str]]
"""(router, user who adds) → values a new row has unless they were written."""

# Router and row are `Any` here because the router itself is built from schemas: naming it would be a circle.
Live = Callable[[Any, Any], str | None]


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows with the same values of these fields; the first one must be indexed. `also` names another menu whose
    names are not to be had either."""

    fields: tuple[str, ...]
    message: str
    enabled_only: bool = False
    static_only: bool = False
    also: str | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """One menu. `singleton` menus have one row without id. `held` refuses removal of rows that others name.

    `auto_name` numbers rows that are added without a name; `derive` fills in what follows from other values,
    `born` what follows from the moment; `granting` names the property that lists policies, which only a holder of
    all of them may write.
    """

    path: str
    fields: tuple[Field, ...]
    verbs: frozenset[str] = TABLE_VERBS
    name_field: str | None = None
    singleton: bool = False
    ordered: bool = False
    indexed: tuple[str, ...] = ()
    unique: tuple[Unique, ...] = ()
    held_message: str | None = None
    dynamic_removable: bool = False
    dynamic_writable: bool = False
    write_policy: str = "write"
    auto_name: str | None = None
    derive: Derive | None = None
    born: Born | None = None
    granting: str | None = None
    boards: tuple[str, ...] = BOARDS
    survives_reboot: bool = True
    dynamic_survives_reboot: bool = False
    since: Version = ALWAYS
    until: Version = NEVER
    builtin: tuple[tuple[int, dict[str, str]], ...] = field(default=())

    def known(self, version: Version) -> bool:
        return self.since <= version < self.until


@dataclass(frozen=True, slots=True)
class Fitted:
    """A menu as one version has it: its fields, what `add` and `set` take, and what a new row starts with."""

    menu: Menu
    fields: Mapping[str, Field]
    accepts: Mapping[str, frozenset[str]]
    defaults: Mapping[str, str]
    unmodelled: frozenset[str] = frozenset()
    pointing: tuple[Field, ...] = ()
    """References that a new row has without being told."""


DISABLED = Field("disabled", boolean, default="false")
COMMENT = Field("comment", default="", absent_when=("",))


def flag(name: str, *, absent_when_false: bool = False) -> Field:
    """A read-only status flag; some are absent instead of `false`."""
    absent = ("false",) if absent_when_false else ()
    return Field(name, read_only=True, default="false", absent_when=absent)


def read_only(*names: str) -> tuple[Field, ...]:
    """Stored properties that clients cannot write."""
    return tuple(Field(name, read_only=True) for name in names)
