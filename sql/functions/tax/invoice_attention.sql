-- Lines of artery_monitor.attention(), which runs as the one who looks
create or replace function artery_tax.invoice_attention()
returns table (severity text, subject text, found text, mend text, code text, params jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    'critical' as severity,
    'invoice ' || a.order_no as subject,
    'the gateway contradicts what was asked: ' || (
        select string_agg(
            format('%s %s, asked %s', d.field, coalesce(d.answered, 'missing'), d.asked), '; ' order by d.field
        )
        from jsonb_to_recordset(a.differences) as d (field text, asked text, answered text)
    ) as found,
    format('Settle it with the gateway, then: select artery_tax.decide_alarm(%s, true or false, reason).', a.id) as mend,
    'invoice_alarm' as code,
    jsonb_build_object('alarm', a.id, 'differences', (
        select string_agg(format('%s: %s ≠ %s', d.field, d.answered, d.asked), '; ' order by d.field)
        from jsonb_to_recordset(a.differences) as d (field text, asked text, answered text)
    )) as params
from artery_tax.invoice_alarm as a
where a.decided_at is null
union all
select
    'warning',
    'invoices ' || v.status,
    format('%s, the last %s: %s', count(*), max(v.order_no), (array_agg(v.reason order by v.order_no desc))[1]),
    'Correct the cause, then artery_tax.request_invoice(order_no); or artery_tax.cancel_invoice(order_no, reason).',
    'invoice_' || v.status,
    jsonb_build_object(
        'count', count(*), 'last', max(v.order_no), 'reason', (array_agg(v.reason order by v.order_no desc))[1]
    )
from artery_erp.ar_invoice as v
where v.status in ('refused', 'undelivered')
group by v.status
union all
select
    'warning',
    'invoices waiting',
    format('%s, no gateway is set up for profile %s', count(*), v.profile),
    'artery_tax.setup_gateway(url), then artery_tax.request_drafts().',
    'invoice_waiting',
    jsonb_build_object('count', count(*), 'profile', v.profile)
from artery_erp.ar_invoice as v
where v.status = 'draft' and v.kind = 'blue'
group by v.profile
union all
select
    'warning',
    'invoices requested',
    format(
        '%s have no answer for more than an hour, or their task was cancelled; the first %s', count(*), min(v.order_no)
    ),
    'See artery_tax.invoice_status: where its task is, and why. artery_tax.request_invoice asks anew where it was cancelled.',
    'invoice_requested',
    jsonb_build_object('count', count(*), 'first', min(v.order_no))
from artery_erp.ar_invoice as v
left join artery.integration_task as t on t.id = v.task_id
where
    v.status = 'requested'
    and (v.requested_at < statement_timestamp() - interval '1 hour' or t.status = 'cancelled')
    and not exists (
        select
        from artery_tax.invoice_alarm as a
        where a.order_no = v.order_no and a.decided_at is null
    )
having count(*) > 0
$function$;

comment on function artery_tax.invoice_attention() is
'Invoices that somebody has to look at, as in artery_monitor.attention()';
grant execute on function artery_tax.invoice_attention() to artery_reader;
