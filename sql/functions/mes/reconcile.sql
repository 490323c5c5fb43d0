/* What is open here, told to the MES, which answers with what it has open. The task's id in
   artery_mes.reconciliation says which answer belongs to which question. */
create or replace function artery_mes.reconcile(p_until timestamptz default 'infinity')
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    v_orders jsonb;
    v_task_id bigint;
begin
    if clock_timestamp() >= p_until or not exists (
        select from artery.route as r where r.topic = 'mes.reconciliation'
    ) then
        return 0::bigint;
    end if;
    select coalesce(jsonb_agg(jsonb_build_object(
        'mo_no', mo.mo_no,
        'version', mo.version,
        'status', mo.status,
        'quantity', trim_scale(mo.quantity)::text,
        'unit', mo.unit
    ) order by mo.mo_no), '[]')
    into v_orders
    from artery_mes.shop_order as mo
    where mo.status in ('released', 'in_progress', 'held');

    v_task_id := artery.enqueue_task(
        'mes.reconciliation', jsonb_build_object('as_of', now(), 'orders', v_orders),
        p_document_type => 'mes_reconciliation', p_document_id => to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    );
    insert into artery_mes.reconciliation (task_id, orders)
    values (v_task_id, jsonb_array_length(v_orders));
    return 1::bigint;
end
$function$;
-- at two in the morning, UTC
insert into artery.sweep_step (name, function, every, position, next_run_at)
values (
    'mes_reconciliation', 'artery_mes.reconcile', '1 day', 60,
    date_trunc('day', now(), 'UTC') + interval '26 hours'
)
on conflict (name) do nothing;

comment on function artery_mes.reconcile(timestamptz) is
'Sweep step, each night: asks the MES which orders it has open, telling it ours; returns 1, or 0 where no MES is set '
'up. The answer''s differences are in artery_mes.mo_reconciliation';
grant execute on function artery_mes.reconcile(timestamptz) to artery_operator;
