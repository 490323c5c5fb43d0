create or replace view artery_mes.mo_reconciliation
with (security_invoker = true) as
select
    r.asked_at,
    r.answered_at,
    r.status,
    r.orders,
    r.reason,
    d.mo_no,
    d.difference,
    d.here,
    d.there
from (
    select x.*
    from artery_mes.reconciliation as x
    order by x.id desc
    limit 1
) as r
left join artery_mes.reconciliation_difference as d on r.id = d.reconciliation_id;

comment on view artery_mes.mo_reconciliation is
'The latest comparison with the MES: a row a difference, or one row without an order where there is none';
grant select on artery_mes.mo_reconciliation to artery_reader;
