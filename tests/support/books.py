"""What honest books look like, as questions to the database whose answer is 0."""

RULES = {
    "a journal that does not sum to zero": """
        select count(*) from (select 1 from entry group by tenant_id, journal_id having sum(amount_cents) <> 0) x""",
    "a journal without entries": """
        select count(*) from journal j where not exists (select from entry e where e.journal_id = j.id)""",
    "a balance that is not what the entries say": """
        select count(*) from subscriber s where balance_cents <>
          (select coalesce(-sum(amount_cents), 0) from entry e where e.subscriber_id = s.id)""",
    "a balance that is not the unused rest of the payments": """
        select count(*) from subscriber s where balance_cents <>
          (select coalesce(sum(unallocated_cents), 0) from payment p where p.subscriber_id = s.id)""",
    "a payment that is in two places": """
        select count(*) from payment p where amount_cents <> unallocated_cents +
          (select coalesce(sum(amount_cents), 0) from allocation a where a.payment_id = p.id)""",
    "a sale that is not paid": """
        select count(*) from sale s where price_cents <>
          (select coalesce(sum(amount_cents), 0) from allocation a where a.sale_id = s.id)""",
    "suspense that is not the open payments": """
        select (select coalesce(-sum(amount_cents), 0) from entry where account = 'suspense') <>
          (select coalesce(sum(amount_cents), 0) from payment where subscriber_id is null)""",
    "a receipt booked twice": """
        select count(*) - count(distinct (tenant_id, rail, shortcode, receipt)) from payment""",
}
