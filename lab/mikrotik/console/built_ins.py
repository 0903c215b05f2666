"""The commands that belong to the language itself: `:if`, `:foreach`, `:put`, `:len` and their kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab.mikrotik.console.signals import Returned
from lab.mikrotik.console.tree import Argument, Binary, Call, Code, Expression, Literal, Variable
from lab.mikrotik.console.values import (
    MAX_ITEMS,
    Address,
    Array,
    Id,
    Time,
    Value,
    of_list,
    to_number,
    to_text,
    to_time,
    truth,
    type_name,
    typed,
)
from lab.mikrotik.errors import ScriptError, Trap

if TYPE_CHECKING:
    from lab.mikrotik.console.runner import Runner

Act = Callable[["Runner", Call], Value]
_LOG_TOPICS = frozenset(("debug", "error", "info", "warning"))


def unnamed(call: Call, at: int) -> Argument | None:
    """The argument without a name at this place."""
    found = [argument for argument in call.arguments if argument.name is None]
    return found[at] if at < len(found) else None


def named(call: Call, name: str) -> Expression | None:
    return next((argument.value for argument in call.arguments if argument.name == name), None)


def _given(runner: Runner, call: Call, at: int, name: str = "") -> Value:
    """The value at a place or under a name; nothing when it is not there."""
    argument = unnamed(call, at)
    expression = argument.value if argument is not None else named(call, name) if name else None
    return None if expression is None else runner.evaluate(expression)


def _word(call: Call, at: int = 0) -> str:
    """A name that must be written out."""
    argument = unnamed(call, at)
    if argument is None:
        raise ScriptError(call.line, "expected variable name", call.column)
    if isinstance(argument.value, Variable):
        return argument.value.name
    if not isinstance(argument.value, Literal):
        raise ScriptError(argument.line, "expected variable name", argument.column)
    return argument.value.text


def _code(call: Call, name: str) -> Code | None:
    expression = named(call, name)
    if expression is not None and not isinstance(expression, Code):
        raise ScriptError(call.line, "syntax error", call.column)
    return expression


def _run_code(runner: Runner, code: Code | None) -> Value:
    return None if code is None else runner.block(code.body)


# -- flow ---------------------------------------------------------------------------------------------------------


def _if(runner: Runner, call: Call) -> Value:
    return _run_code(runner, _code(call, "do" if truth(_given(runner, call, 0, "condition")) else "else"))


def _foreach(runner: Runner, call: Call) -> Value:
    names = _word(call).split(",")
    source, body = named(call, "in"), _code(call, "do")
    value = None if source is None else runner.evaluate(source)
    items = value.items if isinstance(value, Array) else [] if value is None else [(None, value)]
    for at, (key, item) in enumerate(list(items)):
        runner.step()
        if len(names) > 1:
            runner.local(names[0], at if key is None else key)
        runner.local(names[-1], item)
        _run_code(runner, body)
    return None


def _for(runner: Runner, call: Call) -> Value:
    name, body = _word(call), _code(call, "do")
    first, last = _bound(runner, call, "from"), _bound(runner, call, "to")
    step = named(call, "step")
    by = (1 if first <= last else -1) if step is None else _number(runner.evaluate(step))
    if by == 0:
        raise Trap("step must not be zero", 3)
    at = first
    while (at <= last) if by > 0 else (at >= last):
        runner.step()
        runner.local(name, at)
        _run_code(runner, body)
        at += by
    return None


def _bound(runner: Runner, call: Call, name: str) -> int:
    expression = named(call, name)
    if expression is None:
        raise Trap(f"missing value(s) of argument(s) {name}")
    return _number(runner.evaluate(expression))


def _number(value: Value) -> int:
    number = to_number(value)
    if number is None:
        raise Trap("invalid value for argument", 1)
    return number


def _while(runner: Runner, call: Call) -> Value:
    condition, body = unnamed(call, 0), _code(call, "do")
    if condition is None:
        raise ScriptError(call.line, "syntax error", call.column)
    while truth(runner.evaluate(condition.value)):
        runner.step()
        _run_code(runner, body)
    return None


def _do(runner: Runner, call: Call) -> Value:
    argument = unnamed(call, 0)
    body = argument.value if argument is not None else named(call, "command")
    if not isinstance(body, Code):
        raise ScriptError(call.line, "syntax error", call.column)
    on_error, condition = _code(call, "on-error"), named(call, "while")
    try:
        result = _run_code(runner, body)
        while condition is not None and truth(runner.evaluate(condition)):
            runner.step()
            result = _run_code(runner, body)
    except (ScriptError, Trap):
        if on_error is None:
            raise
        return _run_code(runner, on_error)
    return result


def _onerror(runner: Runner, call: Call) -> Value:
    name, tried, handler = _word(call), _code(call, "in"), _code(call, "do")
    try:
        return _run_code(runner, tried)
    except (ScriptError, Trap) as error:
        runner.local(name, error.message)
        return _run_code(runner, handler)


def _error(runner: Runner, call: Call) -> Value:
    raise Trap(to_text(_given(runner, call, 0, "message")), 3)


def _return(runner: Runner, call: Call) -> Value:
    raise Returned(_given(runner, call, 0, "value"))


# -- variables and text -------------------------------------------------------------------------------------------


def _value_of(runner: Runner, call: Call) -> Value:
    body = named(call, "do")
    return runner.evaluate(body) if body is not None else _given(runner, call, 1, "value")


def _local(runner: Runner, call: Call) -> Value:
    runner.local(_word(call), _value_of(runner, call))
    return None


def _global(runner: Runner, call: Call) -> Value:
    name = _word(call)
    runner.share(name)
    if len(call.arguments) > 1:
        runner.assign(name, _value_of(runner, call))
    else:
        runner.desk.environment.declare(name)
    return None


def _set(runner: Runner, call: Call) -> Value:
    target = unnamed(call, 0)
    value = _value_of(runner, call)
    if target is not None and isinstance(target.value, Binary) and target.value.operator == "->":
        holder = runner.evaluate(target.value.left)
        if not isinstance(holder, Array) or len(holder.items) >= MAX_ITEMS:
            raise Trap("invalid internal item number", 3)
        holder.put(runner.evaluate(target.value.right), value)
        return None
    runner.assign(_word(call), value)
    return None


def _put(runner: Runner, call: Call) -> Value:
    """What it shows is also what it gives: `:local x [:put 5]` is common in published scripts."""
    text = _text(runner, call, 0, "message")
    runner.put(text)
    return text


def _text(runner: Runner, call: Call, at: int, name: str) -> str:
    argument = unnamed(call, at)
    expression = argument.value if argument is not None else named(call, name)
    return "" if expression is None else runner.text(expression)


def _log(runner: Runner, call: Call) -> Value:
    word = _word(call)
    topic = next((topic for topic in _LOG_TOPICS if topic.startswith(word)), None)
    if topic is None:
        raise ScriptError(call.line, f"bad command name {word}", call.column)
    runner.desk.router.log(f"script,{topic}", _text(runner, call, 1, "message"))
    return None


def _nothing(_runner: Runner, _call: Call) -> Value:
    return None


def _delay(runner: Runner, call: Call) -> Value:
    """Passes at once: the router has one thread, and nobody may hold it. Only `:time` hears of it."""
    span = _given(runner, call, 0, "delay-time")
    known = span if isinstance(span, Time) else _totime(span)
    runner.delayed_us += known.microseconds if isinstance(known, Time) else 0
    return None


def _time(runner: Runner, call: Call) -> Value:
    """How long the commands took: here the delays they asked for."""
    before = runner.delayed_us
    _do(runner, call)
    return Time(runner.delayed_us - before)


def _len(runner: Runner, call: Call) -> Value:
    value = _given(runner, call, 0, "value")
    return len(value.items) if isinstance(value, Array) else len(to_text(value))


def _typeof(runner: Runner, call: Call) -> Value:
    argument = unnamed(call, 0)
    return "nothing" if argument is None else type_name(runner.evaluate(argument.value))


def _pick(runner: Runner, call: Call) -> Value:
    value, begin = _given(runner, call, 0), to_number(_given(runner, call, 1, "begin")) or 0
    given = _given(runner, call, 2, "end")
    whole = value.items if isinstance(value, Array) else to_text(value)
    end = (begin + 1 if isinstance(value, Array) else len(whole)) if given is None else _number(given)
    if begin < 0 or end < begin:
        return None
    if isinstance(value, Array):
        picked = value.items[begin:end]
        if given is None:
            return picked[0][1] if picked else None
        return Array(list(picked))
    if given is None:
        end = begin + 1
    return to_text(value)[begin:end]


def _find(runner: Runner, call: Call) -> Value:
    value, wanted = _given(runner, call, 0), _given(runner, call, 1, "key")
    after = _given(runner, call, 2, "from")
    begin = 0 if after is None else _number(after) + 1
    if isinstance(value, Array):
        texts = list(map(to_text, value.values()))
        return next((at for at, text in enumerate(texts) if at >= begin and text == to_text(wanted)), None)
    at = to_text(value).find(to_text(wanted), max(begin, 0))
    return None if at < 0 else at


def _parse(runner: Runner, call: Call) -> Value:
    return runner.desk.parse(_text(runner, call, 0, "value"))


def _resolve(runner: Runner, call: Call) -> Value:
    name = _text(runner, call, 0, "domain-name")
    addresses = runner.desk.router.hosts.get(name, [])
    if not addresses:
        raise Trap("failure: dns name does not exist")
    return Address(addresses[0])


def _execute(runner: Runner, call: Call) -> Value:
    argument = unnamed(call, 0)
    expression = argument.value if argument is not None else named(call, "script")
    text = "" if expression is None else runner.text(expression)
    as_string = any(
        isinstance(one.value, Literal) and one.value.text == "as-string" and one.name is None for one in call.arguments
    )
    return runner.desk.scripts.execute(text, runner.access, as_string=as_string or named(call, "as-string") is not None)


# -- conversions --------------------------------------------------------------------------------------------------


def _toarray(value: Value) -> Value:
    if isinstance(value, Array):
        return value
    text = to_text(value)
    return of_list([typed(part) for part in text.split(",")] if text else [])


def _tobool(value: Value) -> Value:
    try:
        return truth(value)
    except Trap:
        return None


def _totime(value: Value) -> Value:
    if isinstance(value, int) and not isinstance(value, bool):
        return Time(value * 1_000_000)
    found = to_time(to_text(value))
    return found if isinstance(found, Time) else None


def _toip(value: Value) -> Value:
    found = typed(to_text(value))
    return found if isinstance(found, Address) else None


def _toid(value: Value) -> Value:
    found = typed(to_text(value))
    return found if isinstance(found, Id) else None


def _tostr(value: Value) -> Value:
    return to_text(value)


def _tonum(value: Value) -> Value:
    return to_number(value)


def _conversion(convert: Callable[[Value], Value]) -> Act:
    return lambda runner, call: convert(_given(runner, call, 0, "value"))


BUILT_IN: dict[str, Act] = {
    "beep": _nothing, "delay": _delay, "do": _do, "environment": _nothing, "error": _error, "execute": _execute,
    "find": _find, "for": _for, "foreach": _foreach, "global": _global, "if": _if, "len": _len, "local": _local,
    "log": _log, "nothing": _nothing, "onerror": _onerror, "parse": _parse, "pick": _pick, "put": _put,
    "resolve": _resolve, "retry": _do, "return": _return, "set": _set, "terminal": _nothing, "time": _time,
    "toarray": _conversion(_toarray), "tobool": _conversion(_tobool), "toid": _conversion(_toid),
    "toip": _conversion(_toip), "tonum": _conversion(_tonum), "tostr": _conversion(_tostr),
    "totime": _conversion(_totime), "typeof": _typeof, "while": _while,
}  # fmt: skip
