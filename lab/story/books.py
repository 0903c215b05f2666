"""Step 9: every journal sums to zero, and the books hold exactly what the simulated phones paid."""

from lab.errors import hold
from lab.safaricom.record import Record
from lab.story.stage import Figures, Stage


async def the_books_agree(stage: Stage) -> Figures:
    """Compare the books with the rail's own record, receipt by receipt."""
    books = await stage.house.cloud.get("/v1/books")
    record: Record = stage.house.rail.record
    hold(books["unbalanced_journals"] == 0, f"{books['unbalanced_journals']} journals do not sum to zero")
    hold(books["sum_cents"] == 0, f"all accounts together sum to {books['sum_cents']} cents, not to zero")
    paid, booked = record.paid_cents, books["payments_cents"]
    hold(paid == booked, f"the phones paid {paid} cents, and the books have payments of {booked}")
    held = {account["code"]: account["balance_cents"] for account in books["accounts"]}
    hold(held["mpesa_clearing"] == paid, f"M-Pesa's account holds {held['mpesa_clearing']} cents of {paid}")
    placed = -sum(balance for code, balance in held.items() if code != "mpesa_clearing")
    hold(placed == paid, f"{paid} cents came in, and {placed} have a place: revenue, credit or suspense")
    rows = await stage.list_payments()
    posted = sorted(row["receipt"] for row in rows)
    paid_for = sorted(each.receipt for each in record.list_paid())
    hold(posted == paid_for, f"the phones have {len(paid_for)} receipts, the cloud {len(posted)}")
    return {
        "journals (count)": float(books["journals"]),
        "payments (count)": float(len(rows)),
        "paid by phones (KES)": paid / 100,
        "in the books (KES)": booked / 100,
    }
