-- Open invoices alone: what is issued is frozen, and the books of years are not read each time
create or replace function artery_tax.invoice_violations()
returns table (detail text, tasks bigint, task_ids bigint[])
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    f.finding,
    count(*),
    (array_agg(f.task_id order by f.task_id) filter (where f.task_id is not null))[1:100]
from (
    select
        v.task_id,
        case
            when not exists (
                select
                from artery_erp.ar_invoice_line as l
                where l.order_no = v.order_no
                having sum(l.amount) = v.amount and sum(l.tax) = v.tax
            ) then 'invoices whose lines do not add up to them'
            when v.status = 'requested' and not exists (
                select
                from artery.integration_task as t
                where t.document_id = v.order_no and t.document_type = 'ar_invoice'
                    and (
                        t.status in ('pending', 'processing', 'failed', 'held')
                        or t.handler_status = 'failed'
                        -- by a person, who knows
                        or t.id = v.task_id and t.status = 'cancelled'
                    )
            ) and not exists (
                select
                from artery_tax.invoice_alarm as a
                where a.order_no = v.order_no and a.decided_at is null
            ) then 'invoices requested, and nothing is under way that will say what became of them'
        end as finding
    from artery_erp.ar_invoice as v
    where v.status in ('draft', 'requested', 'refused', 'undelivered')
) as f
where f.finding is not null
group by f.finding
$function$;

comment on function artery_tax.invoice_violations() is
'Lines of artery_monitor.verify(): open invoices that are forgotten, or not what their lines say; no rows = none';
grant execute on function artery_tax.invoice_violations() to artery_reader;
