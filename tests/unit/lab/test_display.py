"""The display says the same at a terminal and in a file."""

import io
import json

from rich.console import Console

from lab.demo import figures_of
from lab.display import Display, Line, figures_table


def played(console: Console) -> str:
    display = Display(console)
    line = Line(1, "A walled subscriber pays")
    display.lines = [line]
    with display:
        display.set_state(line, "playing")
        display.note("paying")
        line.figures, line.took_s = {"packets pass": 12.5, "payments (count)": 50.0}, 0.4
        display.set_state(line, "held")
        console.print(figures_table(display.lines))
    out = console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


def test_without_a_terminal_every_change_is_one_plain_line() -> None:
    said = played(Console(file=io.StringIO(), force_terminal=False, width=120))
    assert "1. A walled subscriber pays" in said
    assert "✓ held (0.4 s)" in said
    assert "12.5 ms" in said
    assert "\x1b" not in said


def test_at_a_terminal_the_table_lives() -> None:
    said = played(Console(file=io.StringIO(), force_terminal=True, width=120))
    assert "✓" in said
    assert "50" in said


def test_the_figures_are_one_json_object() -> None:
    line = Line(3, "x", "held", {"a": 1.0}, 2.0)
    figures = json.loads(json.dumps(figures_of([line], held=True)))
    assert figures["held"] is True
    assert figures["took_s"] == 2.0
    assert figures["steps"][0]["figures"] == {"a": 1.0}
