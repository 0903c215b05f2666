"""Reads expressions: what stands in `( )`, behind `=`, and in the conditions of `find` and `print where`."""

import re

from lab.mikrotik.console.scanner import Scanner
from lab.mikrotik.console.tree import Binary, Code, Expression, Items, Literal, Property, Result, Unary, Variable

# How tightly an operator holds its sides; the manual names the operators but not their order.
_BINDING = {
    "||": 1, "or": 1, "&&": 2, "and": 2, "in": 3, "=": 4, "!=": 4, "<": 4, ">": 4, "<=": 4, ">=": 4, "~": 4,
    ".": 5, ",": 5, "|": 5, "^": 5, "&": 6, "<<": 7, ">>": 7, "+": 8, "-": 8, "*": 9, "/": 9, "%": 9, "->": 11,
}  # fmt: skip
_UNARY_BINDING = 10
_COMPARING = frozenset(("=", "!=", "<", ">", "<=", ">=", "~", "in"))
_OPERATOR = re.compile(r"&&|\|\||<=|>=|!=|<<|>>|->|[=<>~.,|^&+\-*/%]|(?:and|or|in)(?![\w-])")
_JOINING = re.compile(r"&&|\|\||(?:and|or)(?![\w-])")
_CONDITION = re.compile(r"<=|>=|!=|[=<>~]|in(?![\w-])")
_PROPERTY = re.compile(r"\.?[A-Za-z][\w.-]*")
_OPERAND = re.compile(
    r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}|\d+\.\d+\.\d+\.\d+(?:/\d+|-\d+\.\d+\.\d+\.\d+)?|\d+(?::\d\d){1,2}"
    r"|(?:\d+(?:ms|[wdhms]))+(?!\w)|0x[0-9A-Fa-f]+|\*[0-9A-Fa-f]+|[\w][\w-]*|\d+"
)
_KEY = re.compile(r'(?:"[^"\\$]*"|[A-Za-z][\w-]*)=(?!=)')
_ENDS_OF_WHERE = ("", "\n", ";", "]", "}", ")")


class ExpressionReader(Scanner):
    """Reads values; what is a command it leaves to the reader of commands."""

    def value(self, *, code: bool = False) -> Expression:
        """One value without blanks around operators, as after `name=`."""
        with self.deeper():
            match self.peek():
                case '"':
                    return self.quoted()
                case "$":
                    self.at += 1
                    return self._path(Variable(self.variable_name()))
                case "(":
                    return self.parenthesis()
                case "[":
                    return self.result()
                case "{":
                    return self.code() if code else self.items()
                case _:
                    return self.bare()

    def inserted(self) -> Expression:
        self.at += 1
        match self.peek():
            case "(":
                return self.parenthesis()
            case "[":
                return self.result()
            case _:
                return Variable(self.variable_name())

    def result(self) -> Expression:
        self.at += 1
        with self.deeper():
            return Result(self.block("]"))

    def code(self) -> Code:
        """`{commands}`, with the text it was."""
        self.at += 1
        begun = self.at
        with self.deeper():
            body = self.block("}")
        return Code(self.text[begun : self.at - 1], body)

    def items(self) -> Items:
        """`{a; b; key=c}`."""
        self.at += 1
        found: list[tuple[str | None, Expression]] = []
        while True:
            self.skip_blank(lines=True)
            if self.peek() == "}":
                self.at += 1
                return Items(tuple(found))
            if self.peek() == "":
                raise self.error("expected closing brace")
            key = self.match(_KEY)
            found.append((None if key is None else key[:-1].strip('"'), self.value()))
            self.skip_blank(lines=True)
            if self.peek() == ";":
                self.at += 1
            elif self.peek() != "}":
                raise self.error("expected closing brace")

    def parenthesis(self) -> Expression:
        self.at += 1
        self.skip_blank(lines=True)
        if self.peek() == ")":
            self.at += 1
            return Literal("")
        with self.deeper():
            found = self._operation(0)
        self.skip_blank(lines=True)
        self.expect(")", "expected closing brace")
        return found

    def _path(self, base: Expression) -> Expression:
        """`$a->"key"` without blanks."""
        while self.peek(2) == "->":
            self.at += 2
            base = Binary("->", base, self._operand())
        return base

    def _operation(self, least: int) -> Expression:
        left = self._operand()
        while True:
            self.skip_blank(lines=True)
            begun = self.at
            operator = self.match(_OPERATOR)
            if operator is None:
                return left
            if _BINDING[operator] <= least:
                self.at = begun
                return left
            left = Binary(operator, left, self._operation(_BINDING[operator]))

    def _operand(self) -> Expression:
        self.skip_blank(lines=True)
        sign = self.peek()
        if sign in ("!", "-", "~"):
            self.at += 1
            with self.deeper():
                return Unary(sign, self._operation(_UNARY_BINDING))
        if sign in ('"', "$", "(", "[", "{"):
            return self.value()
        word = self.match(_OPERAND)
        if word is None:
            raise self.error()
        return Literal(word)

    # -- conditions ---------------------------------------------------------------------------------------------

    def conditions(self) -> Expression | None:
        """What `find` and `print where` ask of a row; conditions side by side must all hold."""
        found: Expression | None = None
        while True:
            self.skip_blank()
            if self.peek() in _ENDS_OF_WHERE:
                return found
            operator = self.match(_JOINING)
            if operator is not None and found is None:
                raise self.error()
            joined = "||" if operator in ("||", "or") else "&&"
            condition = self._condition()
            found = condition if found is None else Binary(joined, found, condition)

    def _condition(self) -> Expression:
        self.skip_blank()
        with self.deeper():
            if self.peek() == "!":
                self.at += 1
                return Unary("!", self._condition())
            if self.peek() == "(":
                return self._grouped()
            name = self.match(_PROPERTY)
            left: Expression = self.value() if name is None else Property(name)
            begun = self.at
            self.skip_blank()
            operator = self.match(_CONDITION)
            if operator is None:
                self.at = begun
                return left
            self.skip_blank()
            # `comment=` with nothing after it asks for the empty text.
            empty = self.peek() in _ENDS_OF_WHERE or self.peek() == " "
            return Binary(operator, left, Literal("") if empty else self.value())

    def _grouped(self) -> Expression:
        self.at += 1
        found = self.conditions()
        self.expect(")", "expected closing brace")
        return found if found is not None else Literal("")
