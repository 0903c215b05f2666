"""Who may write which rows now: keeps the slow road off what the fast road touches, without delaying the rest."""

import threading
from collections.abc import Iterable


class Claims:
    """Shared by the roads of one router. An entitlement is held by at most one of them at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: set[str] = set()
        self._touched: dict[str, int] = {}
        self._count = 0

    def touch(self, ids: Iterable[str]) -> None:
        """Note that the wanted state of these changed; a pass that began before must leave them alone."""
        with self._changed:
            self._count += 1
            self._touched.update(dict.fromkeys(ids, self._count))

    def begin_pass(self) -> int:
        """Return the mark of a pass that begins now."""
        with self._changed:
            # Touches from before this pass matter to nobody any more; this bounds the table.
            self._touched.clear()
            return self._count

    def take(self, ids: Iterable[str]) -> set[str]:
        """Hold these, waiting for the other road to let go of any of them (at most one chunk's time)."""
        wanted = set(ids)
        with self._changed:
            self._changed.wait_for(lambda: self._held.isdisjoint(wanted))
            self._held |= wanted
        return wanted

    def take_untouched(self, ids: Iterable[str], since: int) -> set[str]:
        """Hold those that nobody holds and that were not touched since the pass began; returns them."""
        with self._changed:
            free = {id_ for id_ in ids if id_ not in self._held and self._touched.get(id_, 0) <= since}
            self._held |= free
        return free

    def untouched(self, id_: str, since: int) -> bool:
        """Tell whether a reading of that pass still speaks for this one."""
        return self._touched.get(id_, 0) <= since and id_ not in self._held

    def release(self, ids: Iterable[str]) -> None:
        """Let go."""
        with self._changed:
            self._held.difference_update(ids)
            self._changed.notify_all()
