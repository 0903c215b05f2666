"""Runs what the reader read: variables and their scopes, expressions, functions; within bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lab.mikrotik.console import operators
from lab.mikrotik.console.built_ins import BUILT_IN
from lab.mikrotik.console.menu_commands import MenuCommands
from lab.mikrotik.console.reader import BUILT_IN as BUILT_IN_PATH
from lab.mikrotik.console.reader import FUNCTION, Names, Reader
from lab.mikrotik.console.signals import Returned
from lab.mikrotik.console.tree import (
    Argument,
    Binary,
    Block,
    Call,
    Code,
    Expression,
    Items,
    Literal,
    Property,
    Result,
    Template,
    Unary,
    Variable,
)
from lab.mikrotik.console.values import MAX_ITEMS, Array, Value, bounded, to_argument, to_text, typed
from lab.mikrotik.errors import ScriptError, Trap
from lab.mikrotik.speech.commands import Access

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk

# What one script may do in all: real ones that add thousands of rows stay far below.
MAX_STEPS = 500_000
MAX_CALLS_DEEP = 30
MAX_OUTPUT_CHARACTERS = 1024 * 1024


def _command(call: Call) -> str:
    """The command's full name, as errors of recent versions give it."""
    return f":{call.verb}" if call.path in (BUILT_IN_PATH, FUNCTION) else f"{call.path}/{call.verb}"


class Scope:
    """Variables of one block; `shared` are the names that mean a global one here."""

    __slots__ = ("local", "shared")

    def __init__(self) -> None:
        self.local: dict[str, Value] = {}
        self.shared: set[str] = set()


class Runner:
    """One run of one script."""

    def __init__(self, desk: Desk, access: Access, variables: dict[str, Value] | None = None) -> None:
        self.desk = desk
        self.access = access
        self.output: list[str] = []
        self.delayed_us = 0
        """What the script asked to wait; it did not."""
        self._commands = MenuCommands(self, desk, access)
        self._steps = MAX_STEPS
        self._depth = 0
        self._written = 0
        self._scopes = [Scope()]
        self._scopes[0].local.update(variables or {})

    # -- commands -----------------------------------------------------------------------------------------------

    def run(self, text: str, names: Names, menu: str = "", *, whole: bool = False) -> Value:
        """Read and run command by command; `whole` reads everything before anything runs."""
        calls: Iterable[Call | Block] = Reader(text, names, menu).calls()
        result: Value = None
        try:
            for call in list(calls) if whole else calls:
                result = self._one(call)
        except Returned as returned:
            return returned.value
        return result

    def block(self, block: Block) -> Value:
        """Run commands with a scope of their own; what the last one gave back."""
        self._scopes.append(Scope())
        try:
            return self._all(block)
        finally:
            self._scopes.pop()

    def _all(self, block: Block) -> Value:
        result: Value = None
        for call in block.calls:
            result = self._one(call)
        return result

    def _one(self, call: Call | Block) -> Value:
        self.step()
        if isinstance(call, Block):
            return self._nested(lambda: self.block(call))
        try:
            if call.path == BUILT_IN_PATH:
                return BUILT_IN[call.verb](self, call)
            if call.path == FUNCTION:
                return self._nested(lambda: self._function(call))
            return self._commands.run(call)
        except Trap as trap:
            raise ScriptError(call.line, trap.message, command=_command(call)) from trap

    def _nested(self, act: Callable[[], Value]) -> Value:
        self._depth += 1
        try:
            if self._depth > MAX_CALLS_DEEP:
                raise Trap("maximum call depth reached", 3)
            return act()
        finally:
            self._depth -= 1

    def step(self) -> None:
        """Count one step against the limit."""
        self._steps -= 1
        if self._steps < 0:
            raise Trap("script ran too long", 3)

    def put(self, text: str) -> None:
        """A line of output."""
        self._written += len(text)
        if self._written > MAX_OUTPUT_CHARACTERS:
            raise Trap("too much output", 3)
        self.output.append(text)

    # -- variables ----------------------------------------------------------------------------------------------

    def local(self, name: str, value: Value) -> None:
        self._scopes[-1].local[name] = value

    def share(self, name: str) -> None:
        """`:global name`: from here on the name means the global variable."""
        self._scopes[-1].local.pop(name, None)
        self._scopes[-1].shared.add(name)

    def assign(self, name: str, value: Value) -> None:
        """`:set`: the nearest variable of this name."""
        for scope in reversed(self._scopes):
            if name in scope.local:
                scope.local[name] = value
                return
            if name in scope.shared:
                self.desk.environment.set(name, value)
                return
        raise Trap(f"unknown variable {name}", 3)

    def look(self, name: str) -> Value:
        """A variable; nothing when nobody declared it here."""
        for scope in reversed(self._scopes):
            if name in scope.local:
                return scope.local[name]
            if name in scope.shared:
                return self.desk.environment.get(name)
        return None

    def call_code(self, code: Code, variables: dict[str, Value]) -> Value:
        """Run commands that see these variables and no others of ours."""
        scope = Scope()
        scope.local.update(variables)
        kept, self._scopes = self._scopes, [scope]
        try:
            return self._nested(lambda: self._all(code.body))
        except Returned as returned:
            return returned.value
        finally:
            self._scopes = kept

    def _function(self, call: Call) -> Value:
        function = self.look(call.verb)
        variables = self.named(call.arguments)
        if isinstance(function, Code):
            return self.call_code(function, variables)
        if isinstance(function, Array) and call.arguments:
            return None
        return function

    def named(self, arguments: tuple[Argument, ...]) -> dict[str, Value]:
        """Arguments as variables: those without a name are `$1`, `$2`, …"""
        found: dict[str, Value] = {}
        count = 0
        for argument in arguments:
            if argument.name is None:
                count += 1
            found[argument.name or str(count)] = self.evaluate(argument.value)
        return found

    # -- expressions --------------------------------------------------------------------------------------------

    def text(self, expression: Expression) -> str:
        """An expression as text; a bare word stays as it was written."""
        if isinstance(expression, Literal):
            return expression.text
        return bounded(to_text(self.evaluate(expression)))

    def argument(self, expression: Expression) -> str:
        """An expression as the argument of a command."""
        if isinstance(expression, Literal):
            return expression.text
        return bounded(to_argument(self.evaluate(expression)))

    def evaluate(self, expression: Expression, look: Callable[[str], str | None] | None = None) -> Value:
        """What an expression is worth; `look` gives the properties of a row in conditions."""
        self.step()
        match expression:
            case Literal():
                return expression.text if expression.quoted else typed(expression.text)
            case Variable():
                return self.look(expression.name)
            case Property():
                return None if look is None else look(expression.name)
            case Code():
                return expression
            case Unary():
                return operators.negate(expression.operator, self.evaluate(expression.operand, look))
            case Binary():
                return operators.apply(
                    expression.operator, self.evaluate(expression.left, look), self.evaluate(expression.right, look)
                )
            case _:
                return self._gathered(expression)

    def _gathered(self, expression: Template | Result | Items) -> Value:
        match expression:
            case Template():
                return bounded("".join(map(self.text, expression.parts)))
            case Result():
                return self._nested(lambda: self.block(expression.body))
            case Items():
                if len(expression.items) > MAX_ITEMS:
                    raise Trap("out of memory", 3)
                return Array([(name, self.evaluate(item)) for name, item in expression.items])
