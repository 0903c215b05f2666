"""The text of a script with its continued lines joined, and the way back from a place in it to line and column."""

import re
from bisect import bisect_right

from lab.mikrotik.errors import ScriptError

MAX_SCRIPT_CHARACTERS = 4 * 1024 * 1024
# A backslash that no other backslash escapes, at the end of a line; the indent after it is layout, not text.
_CONTINUED = re.compile(r"(?<!\\)((?:\\\\)*)\\\r?\n[ \t]*")


class Source:
    """Text to read. Positions in `text` become (line, column), both from 1, of what was written."""

    def __init__(self, written: str) -> None:
        if len(written) > MAX_SCRIPT_CHARACTERS:
            raise ScriptError(1, "script is too long")
        self._written = written
        self._joints = [0]
        self._origins = [0]
        pieces: list[str] = []
        at = length = 0
        for match in _CONTINUED.finditer(written):
            piece = written[at : match.end(1)]
            pieces.append(piece)
            length += len(piece)
            at = match.end()
            self._joints.append(length)
            self._origins.append(at)
        pieces.append(written[at:])
        self.text = "".join(pieces)
        self._lines = [0, *(match.end() for match in re.finditer("\n", written))]

    def where(self, position: int) -> tuple[int, int]:
        """Line and column of a place in `text`."""
        joint = bisect_right(self._joints, position) - 1
        origin = self._origins[joint] + position - self._joints[joint]
        line = bisect_right(self._lines, origin)
        return line, origin - self._lines[line - 1] + 1

    def error(self, position: int, text: str) -> ScriptError:
        """What a router says about this place."""
        line, column = self.where(position)
        return ScriptError(line, text, column)
