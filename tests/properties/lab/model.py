"""What a menu should hold, by a model that knows nothing of the simulated router: lists of dictionaries."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address

Values = dict[str, str]
YES_NO = {"yes": "true", "true": "true", "no": "false", "false": "false"}


def as_is(value: str) -> str:
    return value


def truth(value: str) -> str:
    return YES_NO[value]


def pair_of_rates(value: str) -> str:
    """`2M/512k` as a queue stores it."""
    return "/".join(str(_rate(part)) for part in value.split("/"))


def _rate(text: str) -> int:
    return int(text.rstrip("kM")) * {"k": 1_000, "M": 1_000_000}.get(text[-1], 1)


def host(value: str) -> str:
    """A queue's target: a bare address is a network of one."""
    return value if "/" in value else f"{IPv4Address(value)}/32"


def bare(value: str) -> str:
    """An address list drops /32."""
    return value.removesuffix("/32")


@dataclass(frozen=True)
class Menu:
    """What a menu does to what is written: how each field is normalised, what it fills in, what is unique."""

    path: str
    fields: dict[str, Callable[[str], str]]
    required: tuple[str, ...]
    filled_in: Values = field(default_factory=dict)
    unique: tuple[str, ...] = ()
    only_enabled: bool = False
    ordered: bool = False
    named: bool = True
    refers: dict[str, str] = field(default_factory=dict)


_SWITCHED = {"disabled": truth, "comment": as_is}
MENUS = {
    menu.path: menu
    for menu in (
        Menu(
            "/ppp/secret",
            {"name": as_is, "password": as_is, "profile": as_is, "remote-address": as_is, "limit-bytes-in": as_is}
            | _SWITCHED,
            ("name",),
            {"disabled": "false", "profile": "default", "limit-bytes-in": "0", "password": "", "service": "any"},
            unique=("name",),
            refers={"profile": "/ppp/profile"},
        ),
        Menu(
            "/ppp/profile",
            {"name": as_is, "rate-limit": as_is, "only-one": as_is},
            ("name",),
            {"only-one": "default"},
            unique=("name",),
        ),
        Menu("/ip/pool", {"name": as_is, "ranges": as_is}, ("name", "ranges"), unique=("name",)),
        Menu(
            "/queue/simple",
            {"name": as_is, "target": host, "max-limit": pair_of_rates} | _SWITCHED,
            ("name", "target"),
            {"disabled": "false", "max-limit": "0/0"},
            unique=("name",),
            ordered=True,
        ),
        Menu(
            "/ip/firewall/filter",
            {"chain": as_is, "action": as_is, "src-address": as_is, "protocol": as_is} | _SWITCHED,
            ("chain",),
            {"disabled": "false", "action": "accept"},
            ordered=True,
            named=False,
        ),
        Menu(
            "/ip/firewall/address-list",
            {"list": as_is, "address": bare} | _SWITCHED,
            ("list", "address"),
            {"disabled": "false"},
            unique=("list", "address"),
            only_enabled=True,
            named=False,
        ),
    )
}  # fmt: skip
BUILT_IN_PROFILES = ("default", "default-encryption")


class Refused(Exception):
    """The router must refuse this."""


class Books:
    """Every menu's rows in order, each with the id that the router gave it."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Values]] = {path: [] for path in MENUS}

    def ids(self, path: str) -> list[str]:
        return [row[".id"] for row in self.rows[path]]

    def row(self, path: str, number: str) -> Values:
        return next(row for row in self.rows[path] if row[".id"] == number)

    def checked(self, path: str, written: Values, old: Values | None = None) -> Values:
        """The row that this makes of the old one, or of none."""
        menu = MENUS[path]
        row = dict(old if old is not None else menu.filled_in)
        for name, value in written.items():
            row[name] = menu.fields[name](value)
        if row.get("comment") == "":
            del row["comment"]
        if any(name not in row for name in menu.required) or self._dangles(menu, written):
            raise Refused
        if self._has_twin(menu, row, old) or (path == "/ppp/profile" and row["name"] in BUILT_IN_PROFILES):
            raise Refused
        return row

    def _dangles(self, menu: Menu, written: Values) -> bool:
        """Whether something is named that is not there."""
        for name, target in menu.refers.items():
            known = [*BUILT_IN_PROFILES, *(one["name"] for one in self.rows[target])]
            if name in written and written[name] not in known:
                return True
        return False

    def _has_twin(self, menu: Menu, row: Values, old: Values | None) -> bool:
        if not menu.unique or (menu.only_enabled and row["disabled"] == "true"):
            return False
        others = [one for one in self.rows[menu.path] if one is not old]
        if menu.only_enabled:
            others = [one for one in others if one["disabled"] == "false"]
        return any(all(one[name] == row[name] for name in menu.unique) for one in others)

    def renamed(self, path: str, before: str, after: str) -> None:
        """References follow a name."""
        for other, menu in MENUS.items():
            for name, target in menu.refers.items():
                if target == path:
                    for row in self.rows[other]:
                        row[name] = after if row[name] == before else row[name]

    def is_named(self, path: str, name: str) -> bool:
        """Whether a row of another menu names this one."""
        return any(
            row[field_name] == name
            for other, menu in MENUS.items()
            for field_name, target in menu.refers.items()
            if target == path
            for row in self.rows[other]
        )
