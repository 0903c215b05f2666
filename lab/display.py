"""What the player of the story sees: a live table at a terminal, plain lines elsewhere."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lab.story.stage import Figures

REFRESH_HZ = 8
NOTES_SHOWN = 4
_MARKS = {"waiting": ("·", "dim"), "playing": ("▶", "yellow"), "held": ("✓", "green"), "broke": ("✗", "red")}


@dataclass(slots=True)
class Line:
    """One step as shown."""

    number: int
    title: str
    state: str = "waiting"
    figures: Figures = field(default_factory=dict)
    took_s: float | None = None


class Display:
    """Shows lines and notes. Not at a terminal, each change is one plain line."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()
        self.lines: list[Line] = []
        self._notes: list[str] = []
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(self._render(), console=self.console, refresh_per_second=REFRESH_HZ)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._render(), refresh=True)
            self._live.stop()
            self._live = None

    def note(self, text: str) -> None:
        """Say what is going on."""
        self._notes.append(text)
        self._show(f"  {text}")

    def set_state(self, line: Line, state: str) -> None:
        """A step begins, held or broke."""
        line.state = state
        if state == "playing":
            self._notes.clear()
            self._show(f"{line.number}. {line.title}")
        else:
            took = "" if line.took_s is None else f" ({line.took_s:.1f} s)"
            facts = "".join(f"\n     {name}: {_spell(name, figure)}" for name, figure in line.figures.items())
            self._show(f"   {_MARKS[state][0]} {state}{took}{facts}")

    def _show(self, plain: str) -> None:
        if self._live is not None:
            self._live.update(self._render())
        else:
            self.console.print(Text(plain))

    def _render(self) -> Table:
        table = Table(show_header=False, box=None, padding=(0, 1))
        for line in self.lines:
            mark, style = _MARKS[line.state]
            took = "" if line.took_s is None else f"{line.took_s:.1f} s"
            table.add_row(
                Text(mark, style), str(line.number), Text(line.title, style), took, Text(_headline(line.figures))
            )
        for note in self._notes[-NOTES_SHOWN:]:
            table.add_row("", "", Text(note, "dim"))
        return table


def _console() -> Console:
    """In a file or a pipe there is no width to ask for: take one that no line of ours needs to be wrapped at."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=140)


def _headline(figures: Figures) -> str:
    return "".join(f"{name}: {_spell(name, figure)}" for name, figure in list(figures.items())[-1:])


def _spell(name: str, figure: float) -> str:
    """A name that ends in brackets says its own unit; everything else is milliseconds."""
    return f"{figure:,.0f}" if name.endswith(")") else f"{figure:,.1f} ms"


def figures_table(lines: list[Line]) -> Table:
    """Every figure of every step, for the end."""
    table = Table("step", "measured", "figure", box=None, padding=(0, 2), header_style="bold")
    table.columns[2].justify = "right"
    for line in lines:
        for index, (name, figure) in enumerate(line.figures.items()):
            title = f"{line.number}. {line.title}" if index == 0 else ""
            table.add_row(title, name, _spell(name, figure))
    return table
