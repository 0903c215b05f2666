"""Checked writes: values are normalised, references and duplicates refused, with the router's own words."""

from collections.abc import Iterable

from lab.mikrotik.errors import BadValueError, Trap, no_such_item
from lab.mikrotik.schema import Field, Unique
from lab.mikrotik.table import Row, Table
from lab.mikrotik.tables import Tables, defaults


class Editor:
    """What add, set, unset and remove do to a table, as far as the table itself goes."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, table: Table, attributes: dict[str, str], before: Row | None = None) -> Row:
        """A new row out of what was written."""
        values, _ = self._checked(table, attributes, None)
        for field in table.fields.values():
            if field.required and not values.get(field.name):
                raise Trap(f"missing value(s) of argument(s) {field.name}")
        values = defaults(table) | values
        self._refuse_duplicate(table, values, None)
        return table.insert(values, before=before)

    def set(self, table: Table, rows: Iterable[Row], attributes: dict[str, str]) -> None:
        """Change rows; `!name` among the attributes unsets that property."""
        for row in rows:
            if row.dynamic and table.menu.path != "/ip/firewall/address-list":
                raise Trap("failure: can not change dynamic item")
            values, unset = self._checked(table, attributes, row)
            for name in unset:
                field = table.fields[name]
                if field.default is not None and field.default not in field.absent_when:
                    values[name] = field.default
            gone = [name for name in unset if name not in values]
            self._refuse_duplicate(table, row.values | values, row)
            self._rename(table, row, values)
            table.change(row, values, gone)

    def unset(self, table: Table, rows: Iterable[Row], names: Iterable[str]) -> None:
        """Give properties their "not set" back."""
        self.set(table, rows, {f"!{name}": "" for name in names})

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
        held = list(self._tables.rows_naming(table.menu, row.get(table.menu.name_field)))
        if held and table.menu.held_message:
            raise Trap(table.menu.held_message)
        for other, holder, field in held:
            other.change(holder, {field: row.id})

    def _rename(self, table: Table, row: Row, values: dict[str, str]) -> None:
        """References are kept by id on a router: whoever named this row follows its new name."""
        key = table.menu.name_field
        if key is None or key not in values or values[key] == row.get(key):
            return
        for other, holder, field in list(self._tables.rows_naming(table.menu, row.get(key))):
            other.change(holder, {field: values[key]})

    def _checked(self, table: Table, attributes: dict[str, str], row: Row | None) -> tuple[dict[str, str], list[str]]:
        """(values to write, names to unset)."""
        values: dict[str, str] = {}
        unset: list[str] = []
        for name, value in attributes.items():
            bare = name.removeprefix("!")
            field = self._writable(table, bare)
            if name != bare:
                unset.append(bare)
                continue
            written = self._value(field, value)
            if row is not None and field.merge is not None:
                written = field.merge(row.get(bare), value)
            if written in field.absent_when or (not written and field.default is None):
                unset.append(bare)
            else:
                values[bare] = written
        return values, unset

    def _writable(self, table: Table, name: str) -> Field:
        field = table.fields.get(name)
        if field is None or field.read_only or (field.live is not None and name != "timeout"):
            version_6 = self._tables.version < (7,)
            raise Trap("unknown parameter" if version_6 else f"unknown parameter {name}")
        return field

    def _value(self, field: Field, value: str) -> str:
        try:
            if field.refers is not None:
                return self._reference(field, value)
            return field.kind(value)
        except BadValueError as error:
            if error.allowed:
                raise Trap(f"value of {field.name} out of range ({error.allowed})", 1) from error
            raise Trap(f"invalid value for argument {field.name}", 1) from error

    def _reference(self, field: Field, value: str) -> str:
        """The name of the row meant, or a value that may stand beside names."""
        if field.or_kind is not None:
            try:
                return field.or_kind(value)
            except BadValueError:
                pass
        target = self._tables.get(field.refers or "")
        row = target.find(value)
        if row is None or target.menu.name_field is None:
            raise Trap(f"input does not match any value of {field.name}", 1)
        return row.get(target.menu.name_field)

    def _refuse_duplicate(self, table: Table, values: dict[str, str], row: Row | None) -> None:
        for rule in table.menu.unique:
            if _has_twin(table, rule, values, row):
                raise Trap(rule.message)


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
                raise no_such_item()
            return [whole]
        rows.append(row)
    return rows
