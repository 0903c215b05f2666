"""The steps in their order, and how many subscribers they use up."""

from lab.story.books import the_books_agree
from lab.story.crashes import agent_killed_in_mid_apply, router_reboots, worker_and_database_killed
from lab.story.outage import alone, together_again
from lab.story.payment import one_payment_reconnects, the_same_twice_at_once
from lab.story.stage import Step
from lab.story.suspense import mistyped_and_short

WALLED = 80  # 1 + 2 + 2 + 20 + 50 + 1, and a bystander
SUBSCRIBERS_MIN = WALLED + 10

STEPS = (
    Step(1, "A walled subscriber pays and is back", one_payment_reconnects),
    Step(2, "The same confirmation, twice at once", the_same_twice_at_once),
    Step(3, "A mistyped account; KES 1 short", mistyped_and_short),
    Step(4, "The uplink is a black hole", alone),
    Step(5, "The uplink returns", together_again),
    Step(6, "kill -9 of the agent in mid-apply", agent_killed_in_mid_apply),
    Step(7, "kill -9 of worker and database under 50 payments", worker_and_database_killed),
    Step(8, "The MikroTik reboots", router_reboots),
    Step(9, "The books", the_books_agree),
)
