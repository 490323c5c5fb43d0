create or replace view artery_mes.mo_dispatch_status
with (security_invoker = true) as
select
    mo.mo_no,
    mo.item_code,
    mo.quantity,
    mo.unit,
    mo.status,
    mo.version,
    d.version as sent_version,
    d.action,
    d.status as mes_status,
    k.version as acknowledged_version,
    k.mes_order_no,
    d.reason,
    t.id as task_id,
    t.status as task_status,
    t.attempt as attempts,
    d.created_at as queued_at,
    d.answered_at,
    case
        when t.status in ('pending', 'failed') then nullif(t.due_at, 'infinity')
    end as next_attempt_at,
    coalesce(t.error ->> 'message', t.error ->> 'answer', t.error ->> 'kind') as last_error
from artery_mes.shop_order as mo
left join lateral (
    select x.*
    from artery_mes.mo_dispatch as x
    where x.mo_no = mo.mo_no
    order by x.version desc
    limit 1
) as d on true
left join lateral (
    select
        x.version,
        x.mes_order_no
    from artery_mes.mo_dispatch as x
    where x.mo_no = mo.mo_no and x.status = 'acknowledged'
    order by x.version desc
    limit 1
) as k on true
left join artery.integration_task as t on d.task_id = t.id;

comment on view artery_mes.mo_dispatch_status is
'Manufacturing orders and how far the MES knows them: the latest version dispatched, its task, the answer';
grant select on artery_mes.mo_dispatch_status to artery_reader;
