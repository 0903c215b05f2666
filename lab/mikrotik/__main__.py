"""The simulated router by itself: `python -m lab.mikrotik`."""

import typer

from lab.grouped_help import GroupedHelp
from lab.mikrotik.command import router

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(cls=GroupedHelp)(router)

if __name__ == "__main__":
    app()
