create or replace view artery_erp.stock_reconciliation
with (security_invoker = true) as
with told as (
    select
        b.item_code,
        b.warehouse_code,
        b.lot_no,
        b.quantity as balance,
        0::numeric as moved,
        b.reserved,
        0::numeric as reservations
    from artery_erp.stock_balance as b
    union all
    select
        m.item_code,
        m.warehouse_code,
        m.lot_no,
        0 as balance,
        m.quantity as moved,
        0 as reserved,
        0 as reservations
    from artery_erp.stock_move as m
    union all
    select
        r.item_code,
        r.warehouse_code,
        r.lot_no,
        0 as balance,
        0 as moved,
        0 as reserved,
        r.quantity as reservations
    from artery_erp.stock_reservation as r
)

select
    t.item_code,
    t.warehouse_code,
    t.lot_no,
    sum(t.balance) as balance,
    sum(t.moved) as moved,
    sum(t.reserved) as reserved,
    sum(t.reservations) as reservations
from told as t
group by t.item_code, t.warehouse_code, t.lot_no
having
    sum(t.balance) <> sum(t.moved)
    or sum(t.reserved) <> sum(t.reservations);

comment on view artery_erp.stock_reconciliation is
'Balances that are not the sum of their moves, or of their reservations: no rows, always';
grant select on artery_erp.stock_reconciliation to artery_reader, artery_app;
