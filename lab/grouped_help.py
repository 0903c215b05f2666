"""A command whose `--help` shows its options in groups (typer's `rich_help_panel`), in plain text."""

from typing import Any

from typer.core import TyperCommand


class GroupedHelp(TyperCommand):
    """Give it to `app.command(cls=…)`. Options without a panel come last, under "Options"."""

    # `Any`: newer releases of typer bring a click of their own, older ones use the one beside them.
    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                panel = getattr(parameter, "rich_help_panel", None) or "Options"
                groups.setdefault(panel, []).append(record)
        for name, records in sorted(groups.items(), key=lambda item: item[0] == "Options"):
            with formatter.section(name):
                formatter.write_dl(records, col_max=26)
