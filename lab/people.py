"""The subscribers: who they are in the cloud, what they dial with, and what they can reach."""

from collections.abc import Sequence
from dataclasses import dataclass

from lab.cloud_door import CloudDoor, Row
from lab.router_door import RouterDoor

IMPORT_ROWS_MAX = 1_000
ELSEWHERE = "198.51.100.7"  # an address of the documentation range: "the internet"
_GIVEN = ("Akinyi", "Barasa", "Chebet", "Dalmas", "Esther", "Farah", "Grace", "Hamisi", "Imani", "Jelimo")
_FAMILY = ("Kamau", "Lagat", "Mwangi", "Njeri", "Ochieng", "Pkosing", "Rono", "Simiyu", "Wanjiru", "Yego")


@dataclass(frozen=True, slots=True)
class Person:
    """One subscriber with one subscription."""

    name: str
    phone: str
    username: str
    password: str
    subscriber_id: str
    account_number: str
    subscription_id: str
    address: str


def import_row(index: int, *, plan_id: str, site_id: str, valid_until: str | None) -> Row:
    """Describe the subscriber number `index` as the import wants it."""
    row = {
        "name": f"{_GIVEN[index % 10]} {_FAMILY[index // 10 % 10]}",
        "phone": f"2547{10_000_000 + index * 7_919:08d}",
        "plan_id": plan_id,
        "site_id": site_id,
        "username": f"home{index:05d}",
        "password": f"pppoe-{index:05d}-{index * 2_654_435_761 % 4_294_967_296:08x}",
    }
    return row | ({"valid_until": valid_until} if valid_until else {})


async def settle_in(cloud: CloudDoor, rows: Sequence[Row]) -> list[Person]:
    """Import subscribers, and return them as people."""
    people: list[Person] = []
    for start in range(0, len(rows), IMPORT_ROWS_MAX):
        part = rows[start : start + IMPORT_ROWS_MAX]
        answer = await cloud.post("/v1/imports/subscribers", {"rows": list(part)})
        people += [person_of(row, item) for row, item in zip(part, answer["items"], strict=True)]
    return people


def person_of(row: Row, item: Row) -> Person:
    """Join what was asked and what was answered."""
    return Person(
        row["name"],
        row["phone"],
        row["username"],
        row["password"],
        item["subscriber_id"],
        item["account_number"],
        item["subscription_id"],
        item["address"],
    )


async def keep_dialling(router: RouterDoor, people: Sequence[Person], *, every_s: float) -> None:
    """Switch everybody's modem on: it dials now, and again after every drop."""
    for person in people:
        await router.ask("redial", user=person.username, password=person.password, every_s=every_s)


async def count_online(router: RouterDoor) -> int:
    """How many sessions the router has."""
    return int((await router.ask("stats"))["sessions"])


def mistyped(account_number: str) -> str:
    """Swap the number's digits for a slip of the thumb: one digit off, so that the check digit cannot fit."""
    for index in range(len(account_number) - 1, -1, -1):
        if account_number[index].isdigit():
            wrong = str((int(account_number[index]) + 1) % 10)
            return account_number[:index] + wrong + account_number[index + 1 :]
    raise ValueError(f"{account_number!r} has no digit to mistype")
