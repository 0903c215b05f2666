"""The gateway itself: takes texts, is paid, carries them to phones or fails to, and says what became of them."""

import asyncio
import random
from collections import OrderedDict

from lab.clock import Clock
from lab.events import Events
from lab.sms.inboxes import Inboxes, PhoneState
from lab.sms.manner import Manner
from lab.sms.message import FINAL, Account, Family, Message, NotTaken
from lab.sms.numbers import ABROAD, normal, telco_of
from lab.sms.reports import Reports
from lab.sms.segments import cut

MESSAGES_MAX = 200_000  # older ones are forgotten: getdlr knows them no more
UNDER_WAY_MAX = 50_000
VALIDITY_S = 24 * 3_600.0
DEFAULT_SENDER = "AFRICASTKNG"  # what a phone shows when nobody registered a name
_FIRST_NUMBER = 8_290_842


class Gateway:
    """Both families submit here. `manner` may be changed at any time; a message keeps the one it began with."""

    def __init__(self, *, clock: Clock, chance: random.Random, account: Account | None = None) -> None:
        self.account = account or Account()
        self.manner = Manner()
        self.clock = clock
        self.chance = chance
        self.events = Events(clock)
        self.inboxes = Inboxes()
        self.reports = Reports(clock, chance, self.events)
        self.messages: OrderedDict[str, Message] = OrderedDict()
        self._numbers: dict[int, str] = {}
        self._count = 0
        self._switched_on: dict[str, asyncio.Event] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def submit(
        self, family: Family, to: str, sender: str, text: str,
        *, validity_s: float = VALIDITY_S, plus_needed: bool = False,
    ) -> Message:  # fmt: skip
        """Take one text for one phone and carry it in the background; raises NotTaken, and then costs nothing."""
        number = normal(to, plus_needed=plus_needed)
        if number is None:
            raise NotTaken(403)
        telco, how = telco_of(number), cut(text)
        cost = how.segments * self.account.price
        self._check(family, number, sender, cost)
        self.account.balance -= cost
        self._count += 1
        message_id = f"ATXid_{self.chance.randbytes(16).hex()}"
        message = Message(
            _FIRST_NUMBER + self._count, message_id, family, number, sender or DEFAULT_SENDER, text, how.segments,
            telco, cost, self.clock.now_us(), validity_s,
        )  # fmt: skip
        self._keep(message)
        self.events.note("accepted", message=message.id, to=number, sender=message.sender, segments=how.segments)
        self._begin(message)
        return message

    def _check(self, family: Family, number: str, sender: str, cost: int) -> None:
        manner, telco = self.manner, telco_of(number)
        if telco is ABROAD:
            raise NotTaken(404)
        if not self.account.may_send_as(sender, telco):
            raise NotTaken(402)
        if manner.refuse_code and self.chance.random() < manner.refuse_share:
            raise NotTaken(manner.refuse_code)
        if family == "africas-talking":
            # Africa's Talking knows who opted out before it sends; the others hear of it from the network.
            refused = {"blocked": 406, "dnd": 409}.get(self.inboxes.phone(number).state)
            if refused:
                raise NotTaken(refused)
        if cost > self.account.balance:
            raise NotTaken(405)
        if len(self._under_way) >= UNDER_WAY_MAX:
            raise NotTaken(500)

    def _keep(self, message: Message) -> None:
        self.messages[message.id] = message
        self._numbers[message.number] = message.id
        if len(self.messages) > MESSAGES_MAX:
            _, old = self.messages.popitem(last=False)
            del self._numbers[old.number]

    def find_by_number(self, number: int) -> Message | None:
        """Return the message with the white-label family's number."""
        return self.messages.get(self._numbers.get(number, ""))

    def switch(self, number: str, state: PhoneState) -> None:
        """Change a phone's state; what waited for it is received when it is switched on."""
        self.inboxes.phone(number).state = state
        if state != "off" and number in self._switched_on:
            self._switched_on.pop(number).set()

    async def settle(self) -> None:
        """Wait until everything has been carried and told; what waits for a phone that is off is not waited for."""
        while busy := {task for task in self._under_way if not self._waits(task)}:
            await asyncio.wait(busy, timeout=0.02)
        await self.reports.settle()

    def _waits(self, task: "asyncio.Task[None]") -> bool:
        message = self.messages.get(task.get_name())
        return message is not None and message.state == "waiting" and message.to in self._switched_on

    async def close(self) -> None:
        """Drop what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self.reports.close()

    # -- on its way ---------------------------------------------------------------------------------------------

    def _begin(self, message: Message) -> None:
        if self.chance.random() < self.manner.lose:
            message.state = "lost"
            self.events.note("lost", message=message.id, to=message.to)
            return
        task = asyncio.create_task(self._carry(message, self.manner), name=message.id)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry(self, message: Message, manner: Manner) -> None:
        statuses = list(manner.interim)
        if manner.reports_order == "kept":
            for status in statuses:
                self._tell(message, status, manner)
        low, high = manner.delivery_s
        if high > 0:
            await asyncio.sleep(self.chance.uniform(low, high))
        final = await self._arrive(message, manner)
        message.finished_at_us = self.clock.now_us()
        if manner.reports_order == "kept":
            self._tell(message, final, manner)
            return
        statuses = [final, *reversed(statuses)]
        if manner.reports_order == "shuffled":
            self.chance.shuffle(statuses)
        message.status = final
        for status in statuses:
            self._tell(message, status, manner)

    def _tell(self, message: Message, status: str, manner: Manner) -> None:
        if message.status not in FINAL:
            message.status = status
        self.reports.tell(message, status, manner)

    async def _arrive(self, message: Message, manner: Manner) -> str:
        """Bring it to the phone, and return the final status."""
        if self.inboxes.phone(message.to).state == "off" and not await self._wait_for(message, manner):
            return self._fail(message, "Failed", "AbsentSubscriber")
        match self.inboxes.phone(message.to).state:
            case "absent":
                return self._fail(message, "Failed", "UserDoesNotExist")
            case "blocked":
                return self._fail(message, "Rejected", "UserInBlackList")
            case "dnd":
                return self._fail(message, "Rejected", "DoNotDisturbRejection")
            case _ if self.chance.random() < manner.fail:
                return self._fail(message, manner.fail_status, manner.fail_reason)
            case _:
                self.inboxes.receive(message.to, message.sender, message.text, message.id, self.clock.now_us())
                message.state = "delivered"
                self.events.note("received", message=message.id, to=message.to, text=message.text[:200])
                return "Success"

    async def _wait_for(self, message: Message, manner: Manner) -> bool:
        """Wait for a phone that is off, as long as the message is valid."""
        message.state, message.retries = "waiting", message.retries + 1
        if manner.reports_order == "kept" and "Buffered" not in manner.interim:
            self._tell(message, "Buffered", manner)
        switched_on = self._switched_on.setdefault(message.to, asyncio.Event())
        try:
            async with asyncio.timeout(message.validity_s):
                await switched_on.wait()
        except TimeoutError:
            return False
        return True

    def _fail(self, message: Message, status: str, reason: str) -> str:
        message.state, message.reason = "failed", reason
        self.events.note("failed", message=message.id, to=message.to, status=status, reason=reason)
        return status
