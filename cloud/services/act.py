"""Under what a verb runs: when, by whom, and with which ids and keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cloud.db.secrets import SecretBox


@dataclass(frozen=True, slots=True)
class Act:
    """One act, one instant: everything it writes carries the same `now`. `staff_id` None: the program itself."""

    now: datetime
    new_id: Callable[[], UUID]
    secrets: SecretBox
    staff_id: UUID | None = None
