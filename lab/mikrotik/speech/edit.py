"""Checked writes: values are normalised, references and duplicates refused, with the router's own words."""

import re
from collections.abc import Iterable, Mapping

from lab.mikrotik.errors import BadValueError, Trap, no_such_item
from lab.mikrotik.fields.schema import Field, Unique
from lab.mikrotik.store.fitting import ROW_ARGUMENTS
from lab.mikrotik.store.table import Row, Table
from lab.mikrotik.store.tables import Tables, renamed

# A value is completed word by word; no list of ours has more words.
MAX_COMPLETIONS = 64


class Editor:
    """What add, set, unset and remove do to a table, as far as the table itself goes."""

    def __init__(self, tables: Tables, *, completes: bool = True) -> None:
        self._tables = tables
        self._completes = completes
        """Whether the beginning of a name or word stands for it when nothing else begins so."""

    def add(
        self,
        table: Table,
        attributes: dict[str, str],
        before: Row | None = None,
        born: Mapping[str, str] | None = None,
    ) -> Row:
        """A new row out of what was written, over what the moment gives it."""
        values, _ = self._checked(table, "add", attributes, None)
        missing = [name for name, field in table.fields.items() if field.required and not values.get(name)]
        if missing:
            raise Trap(f"missing value(s) of argument(s) {' '.join(missing)}")
        self._name_it(table, values)
        written = values
        values = {**table.fitted.defaults, **(born or {}), **written}
        self._follow_defaults(table, values, written)
        if table.menu.derive is not None:
            values |= table.menu.derive(values, written)
        self._refuse_duplicate(table, values, None)
        return table.insert(values, before=before)

    def _follow_defaults(self, table: Table, values: dict[str, str], written: dict[str, str]) -> None:
        """The row that new rows name unasked may have been renamed: it is meant all the same."""
        for field in table.fitted.pointing:
            target = self._tables.get(field.refers or "")
            key = target.menu.name_field
            if field.name in written or key is None or target.find(values[field.name]) is not None:
                continue
            if field.or_kind is None:
                values[field.name] = next((row.get(key) for row in target if row.builtin), values[field.name])

    def _name_it(self, table: Table, values: dict[str, str]) -> None:
        key, stem = table.menu.name_field, table.menu.auto_name
        if key is None or stem is None or values.get(key):
            return
        number = 1
        while table.find(f"{stem}{number}") is not None:
            number += 1
        values[key] = f"{stem}{number}"

    def set(self, table: Table, rows: Iterable[Row], attributes: dict[str, str]) -> None:
        """Change rows; `!name` among the attributes unsets that property."""
        touched = {"disabled", *(name for rule in table.menu.unique for name in rule.fields)}
        for row in rows:
            values, unset = self._checked(table, "set", attributes, row)
            if row.dynamic and not table.menu.dynamic_writable:
                raise Trap("failure: can not change dynamic item")
            for name in unset:
                default = table.fitted.defaults.get(name)
                if default is not None:
                    values[name] = default
            if table.menu.derive is not None:
                values |= table.menu.derive(row.values | values, values)
            gone = [name for name in unset if name not in values]
            if not touched.isdisjoint((*values, *gone)):
                self._refuse_duplicate(table, row.values | values, row)
            self._rename(table, row, values)
            table.change(row, values, gone)

    def switch(self, table: Table, rows: Iterable[Row], *, on: bool) -> None:
        """What enable and disable do."""
        self.set(table, rows, {"disabled": "no" if on else "yes"})

    def unset(self, table: Table, rows: Iterable[Row], names: Iterable[str]) -> None:
        """Give properties their "not set" back."""
        wanted = list(names)
        if any(name not in table.fitted.accepts["set"] for name in wanted):
            raise no_match("value-name")
        self.set(table, rows, {f"!{name}": "" for name in wanted})

    def remove(self, table: Table, rows: Iterable[Row]) -> None:
        """Remove rows; names that pointed at them become the bare id, unless the menu refuses."""
        for row in rows:
            if row.builtin or (row.dynamic and not table.menu.dynamic_removable):
                raise Trap("failure: can not remove default or dynamic item")
            self._let_go(table, row)
            table.remove(row)

    def _let_go(self, table: Table, row: Row) -> None:
        if table.menu.name_field is None or row.dynamic:
            return
        name = row.get(table.menu.name_field)
        held = list(self._tables.rows_naming(table.menu, name))
        if held and table.menu.held_message:
            raise Trap(table.menu.held_message)
        for other, holder, field in held:
            other.change(holder, {field.name: renamed(field, holder.get(field.name), name, row.id)})

    def _rename(self, table: Table, row: Row, values: dict[str, str]) -> None:
        """References are kept by id on a router: whoever named this row follows its new name."""
        key = table.menu.name_field
        if key is None or key not in values or values[key] == row.get(key):
            return
        name = row.get(key)
        for other, holder, field in list(self._tables.rows_naming(table.menu, name)):
            other.change(holder, {field.name: renamed(field, holder.get(field.name), name, values[key])})
        for field in table.fields.values():
            if field.refers == table.menu.path and field.name in values:  # it names itself in the same breath
                values[field.name] = renamed(field, values[field.name], name, values[key])

    def _checked(
        self, table: Table, verb: str, attributes: dict[str, str], row: Row | None
    ) -> tuple[dict[str, str], list[str]]:
        """(values to write, names to unset)."""
        values: dict[str, str] = {}
        unset: list[str] = []
        for name, value in attributes.items():
            bare = name.removeprefix("!")
            field = self._writable(table, verb, bare)
            if name != bare:
                if _is_kept(table, field, row) or field.required:
                    raise bad_value(bare)
                unset.append(bare)
                continue
            written = self._value(field, value)
            if row is not None and field.merge is not None:
                written = field.merge(row.get(bare), value)
            if written in field.absent_when or (not written and field.default is None):
                if _is_kept(table, field, row):
                    raise bad_value(bare)
                unset.append(bare)
            else:
                values[bare] = written
        return values, unset

    def _writable(self, table: Table, verb: str, name: str) -> Field:
        if name not in table.fitted.accepts[verb] or name in ROW_ARGUMENTS:
            raise self.unknown(name)
        return table.fields[name]

    def unknown(self, name: str) -> Trap:
        """The refusal of an argument: RouterOS 6 does not name it."""
        return Trap("unknown parameter" if self._tables.version < (7,) else f"unknown parameter {name}")

    def _value(self, field: Field, value: str) -> str:
        """The value as it is stored; the beginning of a word may stand for the word."""
        for _ in range(MAX_COMPLETIONS):
            try:
                return self._reference(field, value) if field.refers is not None else field.kind(value)
            except BadValueError as error:
                value = self._completed(field, value, error)
        raise bad_value(field.name)

    def _completed(self, field: Field, value: str, error: BadValueError) -> str:
        if error.allowed:
            raise Trap(f"value of {field.name} out of range ({error.allowed})", 1) from error
        if not error.words and field.refers is None:
            raise bad_value(field.name) from error
        found = [word for word in error.words if word.startswith(error.part)] if error.part else []
        if not found or not self._completes:
            raise no_match(field.name) from error
        if len(found) > 1:
            raise Trap(f"ambiguous value of {field.name}, more than one possible value matches input", 1) from error
        return re.sub(rf"(?<![^,!]){re.escape(error.part)}(?![^,])", lambda _: found[0], value, count=1)

    def _reference(self, field: Field, value: str) -> str:
        """The names of the rows meant, or a value that may stand beside names."""
        if field.or_kind is not None:
            try:
                return field.or_kind(value)
            except BadValueError:
                pass
        if field.list_of_names:
            return ",".join(self._name(field, part) for part in value.split(",")) if value else ""
        return self._name(field, value)

    def _name(self, field: Field, value: str) -> str:
        """The name of the row meant by a name or an id."""
        sign = "!" if field.negated and value.startswith("!") else ""
        wanted = value.removeprefix(sign)
        target = self._tables.get(field.refers or "")
        row = target.find(wanted)
        key = target.menu.name_field
        if row is None or key is None:
            names = [other.get(key) for other in target] if key is not None and not wanted.startswith("*") else []
            raise BadValueError(words=names, part=wanted)
        return sign + row.get(key)

    def _refuse_duplicate(self, table: Table, values: dict[str, str], row: Row | None) -> None:
        for rule in table.menu.unique:
            if _has_twin(table, rule, values, row) or self._is_taken_elsewhere(rule, values, row):
                raise Trap(rule.message)

    def _is_taken_elsewhere(self, rule: Unique, values: dict[str, str], row: Row | None) -> bool:
        """A name that the row does not have yet stands in the other menu."""
        name = values.get(rule.fields[0], "")
        if rule.also is None or not name or (row is not None and row.get(rule.fields[0]) == name):
            return False
        return any(self._tables.get(rule.also).with_value(rule.fields[0], name))


def no_match(name: str) -> Trap:
    """The refusal of a word or name that is none of the possible ones."""
    return Trap(f"input does not match any value of {name}", 1)


def bad_value(name: str) -> Trap:
    """The refusal of a value of the wrong form."""
    return Trap(f"invalid value for argument {name}", 1)


def _is_kept(table: Table, field: Field, row: Row | None) -> bool:
    """A row cannot lose what it was added with, nor the name that it was given unasked."""
    given = table.menu.auto_name is not None and field.name == table.menu.name_field
    return row is not None and (field.required or given)


def _has_twin(table: Table, rule: Unique, values: dict[str, str], row: Row | None) -> bool:
    first = rule.fields[0]
    if rule.enabled_only and values.get("disabled") == "true":
        return False
    if not values.get(first):
        return False
    twins = table.with_value(first, values[first]) if table.is_indexed(first) else iter(table)
    return any(
        twin is not row
        and all(twin.values.get(field) == values.get(field) for field in rule.fields)
        and (twin.enabled or not rule.enabled_only)
        and not (rule.static_only and twin.dynamic)
        for twin in twins
    )


_BAD_ID = re.compile(r"\*(?![0-9A-Fa-f]+$)")


def rows_meant(table: Table, reference: str | None) -> list[Row]:
    """Rows of a comma list of ids or names."""
    if reference is None:
        raise Trap("missing =.id=")
    rows: list[Row] = []
    for part in reference.split(","):
        # A name may itself hold a comma: the whole text is tried when a part is not found.
        row = table.find(part)
        if row is None:
            whole = table.find(reference)
            if whole is None:
                raise Trap("invalid internal item number") if _BAD_ID.match(part) else no_such_item()
            return [whole]
        rows.append(row)
    return rows
