"""The simulated router's control door as the house and the story use it."""

from typing import Any

from lab.door import Door

_AFTER_ALL = 1 << 62


class RouterDoor(Door):
    """Asks the simulated MikroTik what an onlooker could see: who is online, whose packets pass, what was written."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, name="the router's control door")

    async def reaches(self, user: str, to: str, *, port: int = 443) -> bool:
        """Whether the user's packets to this address pass the router now."""
        answer = await self.ask("reach", user=user, to=to, protocol="tcp", port=port)
        return bool(answer["reach"])

    async def writes(self, since: int) -> list[dict[str, Any]]:
        """What was written to the router after number `since`, with wall-clock microseconds."""
        answer = await self.ask("writes", since=since)
        found: list[dict[str, Any]] = answer["writes"]
        return found

    async def last_write(self) -> int:
        """The number of the last write to the router."""
        return int((await self.ask("writes", since=_AFTER_ALL))["last"])

    async def rows(self, menu: str) -> list[dict[str, Any]]:
        """All rows of a menu."""
        answer = await self.ask("rows", menu=menu)
        found: list[dict[str, Any]] = answer["rows"]
        return found
