"""What the router takes for the time: 1970 after a boot, what somebody set, or what NTP said; and how it writes it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lab.clock import Clock
from lab.mikrotik.errors import Trap
from lab.mikrotik.fields.schema import ISO_DATES_SINCE, Version
from lab.mikrotik.store.table import Change, Row
from lab.mikrotik.store.tables import Tables
from lab.mikrotik.timers import Timer, Timers

# A router without a battery wakes on this day until somebody tells it better.
EPOCH = datetime(1970, 1, 2, tzinfo=UTC)
# After somebody set the clock by hand, NTP sets it right at its next poll.
NTP_POLL_S = 64.0
_DATE_FORMATS = ("%Y-%m-%d", "%b/%d/%Y")


class RouterClock:
    """The wall clock of one router. Everybody in `on_change` is told (before, after, how) of every jump."""

    def __init__(
        self, tables: Tables, timers: Timers, clock: Clock, *, ntp_answers: bool, ntp_delay_s: float, has_battery: bool
    ) -> None:
        self.ntp_answers = ntp_answers
        self.ntp_delay_s = ntp_delay_s
        self._has_battery = has_battery
        self._clock = clock
        self._timers = timers
        self._zone_row = tables.get("/system/clock").rows[0]
        self._ntp = tables.get("/system/ntp/client")
        self._version: Version = tables.version
        self._timer: Timer | None = None
        self._second: tuple[object, datetime, str] = (None, EPOCH, "")
        self._zone: tuple[str, tzinfo] = ("", UTC)
        self.is_synchronized = False
        self.on_change: list[Callable[[str, str, str], None]] = []
        self._base = EPOCH
        self._base_us = clock.monotonic_us()
        self._ntp.watchers.append(self._ntp_changed)

    # -- what time it is ----------------------------------------------------------------------------------------

    def utc(self) -> datetime:
        """What the router takes for UTC."""
        if self.is_synchronized:
            return datetime.fromtimestamp(self._clock.now_us() // 1_000_000, UTC)
        return self._base + timedelta(microseconds=self._clock.monotonic_us() - self._base_us)

    def local(self) -> datetime:
        """The same in its time zone, in whole seconds."""
        # Thousands of lines are written within one second: its text is made once.
        passed_us = self._clock.now_us() if self.is_synchronized else self._clock.monotonic_us() - self._base_us
        key = (passed_us // 1_000_000, self.is_synchronized, self._base, self._zone_row.get("time-zone-name"))
        if key != self._second[0]:
            local = self.utc().replace(microsecond=0).astimezone(self.zone())
            self._second = (key, local, f"{self.format_date(local)} {local:%H:%M:%S}")
        return self._second[1]

    def zone(self) -> tzinfo:
        name = self._zone_row.get("time-zone-name")
        if name != self._zone[0]:
            self._zone = (name, _zone(name) or UTC)
        return self._zone[1]

    def gmt_offset(self) -> str:
        """`+03:00`."""
        text = self.local().strftime("%z")
        return f"{text[:3]}:{text[3:5]}"

    def is_summer(self) -> bool:
        return bool(self.local().dst())

    # -- how it is written --------------------------------------------------------------------------------------

    def format_date(self, moment: datetime) -> str:
        """A date as this version writes it."""
        if self._version >= ISO_DATES_SINCE:
            return moment.strftime("%Y-%m-%d")
        return moment.strftime("%b/%d/%Y").lower()

    def stamp(self) -> str:
        """Date and time as this version writes them."""
        self.local()
        return self._second[2]

    def format_moment(self, moment: datetime) -> str:
        return f"{self.format_date(moment)} {moment:%H:%M:%S}"

    def log_time(self, moment: datetime) -> str:
        """As /log shows a line written then: today only the time, before that also the date."""
        today = self.local()
        if moment.date() == today.date():
            return f"{moment:%H:%M:%S}"
        if self._version >= ISO_DATES_SINCE or moment.year != today.year:
            return self.format_moment(moment)
        return moment.strftime("%b/%d %H:%M:%S").lower()

    def short_moment(self, moment: datetime) -> str:
        """As a scheduler's next run reads: before 7.10 without the day or the year where these are today's (published
        voucher scripts tell the three forms apart by their length), later always in full."""
        return self.format_moment(moment) if self._version >= ISO_DATES_SINCE else self.log_time(moment)

    # -- who sets it --------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """The power came back: without a battery it is 1970 until NTP answers."""
        if not self._has_battery:
            self._base, self._base_us = EPOCH, self._clock.monotonic_us()
            self.is_synchronized = False
        self._seek(self.ntp_delay_s)

    def set_by_hand(self, date: str | None, time: str | None) -> None:
        """`/system/clock set`; raises Trap for what is none."""
        local = self.local()
        if date is not None:
            day = _date(date)
            local = local.replace(year=day.year, month=day.month, day=day.day)
        if time is not None:
            try:
                clock = datetime.strptime(time, "%H:%M:%S")  # noqa: DTZ007  # only its hands are used
            except ValueError as error:
                raise Trap("invalid value for argument time", 1) from error
            local = local.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0)
        self._jump(local, "")
        self._seek(NTP_POLL_S)

    def ntp_says(self, *, answers: bool) -> None:
        """Whether NTP servers answer from now on; one that answered before is not unlearnt."""
        self.ntp_answers = answers
        self._seek(self.ntp_delay_s)

    def is_zone(self, name: str) -> bool:
        return _zone(name) is not None

    def _ntp_changed(self, _change: Change, _row: Row) -> None:
        self._seek(self.ntp_delay_s)

    def _seek(self, delay_s: float) -> None:
        """Ask NTP, if it is wanted and not yet heard."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wanted = self._ntp.rows[0].get("enabled") == "true" and self.ntp_answers
        if not wanted and self.is_synchronized:
            self._base, self._base_us = self.utc(), self._clock.monotonic_us()
            self.is_synchronized = False
        if not wanted or self.is_synchronized:
            return
        if delay_s <= 0:
            self._synchronize()
        else:
            due_us = self._clock.monotonic_us() + int(delay_s * 1_000_000)
            self._timer = self._timers.at(due_us, self._synchronize)

    def _synchronize(self) -> None:
        before = self.local()
        self.is_synchronized = True
        self._tell(before, self.local(), "ntp" if self._version >= (7,) else "sntp")

    def _jump(self, to: datetime, how: str) -> None:
        before = self.local()
        self.is_synchronized = False
        self._base, self._base_us = to.astimezone(UTC), self._clock.monotonic_us()
        self._tell(before, to, how)

    def _tell(self, before: datetime, after: datetime, how: str) -> None:
        for tell in self.on_change:
            tell(_for_log(before), _for_log(after), how)


def _zone(name: str) -> tzinfo | None:
    if name in ("", "manual"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _date(value: str) -> datetime:
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007  # only its day is used
        except ValueError:
            continue
    raise Trap("invalid value for argument date", 1)


def _for_log(moment: datetime) -> str:
    """How the line about a changed clock writes it on every version seen: `Jan/02/1970 00:00:18`."""
    return moment.strftime("%b/%d/%Y %H:%M:%S")
