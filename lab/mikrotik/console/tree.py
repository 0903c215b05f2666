"""What the reader makes of a script: commands with their arguments, blocks, and expressions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it was written: quoted text, or a bare word that an expression may take for a number."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """Quoted text with `$name`, `$(…)` or `$[…]` inside."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Property:
    """A bare name in a `where` condition: the property of the row looked at."""

    name: str


@dataclass(frozen=True, slots=True)
class Result:
    """`[command]`: what the command gives back."""

    body: Block


@dataclass(frozen=True, slots=True)
class Unary:
    """`!x`, `-x`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """`a + b` and its kind, `->` included."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Items:
    """`{a; b; "key"=c}` where a value is wanted."""

    items: tuple[tuple[str | None, Expression], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """`{…}` where commands are wanted, with the text between the braces."""

    text: str
    body: Block


Expression: TypeAlias = Literal | Template | Variable | Property | Result | Unary | Binary | Items | Code


@dataclass(frozen=True, slots=True)
class Argument:
    """`name=value`, or a value without a name."""

    name: str | None
    value: Expression
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """One command. `path` and `verb` as resolved; built-in commands have the path `:`, functions the path `$`."""

    path: str
    verb: str
    arguments: tuple[Argument, ...]
    where: Expression | None
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Block:
    """Commands one after the other, with variables of their own."""

    calls: tuple[Call | Block, ...] = field(default=())
