create or replace function artery_mes._adopted_report_problems(
    p_message artery_mes.report_message, p_order jsonb
)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_agg(artery._reason(p.code, p.message, p.hint, p.path))
from (
    -- what the message itself lacks
    select
        f.code,
        f.message,
        f.hint,
        f.path
    from artery_mes._report_problems(p_message) as f
    where f.code = 'IN303'
    union all
    -- what the view's row lacks
    select
        r.reason ->> 'code',
        r.reason ->> 'message',
        r.reason ->> 'hint',
        '/mo_no'
    from jsonb_array_elements(artery_mes._adopted_problems(p_order)) as r (reason)
    union all
    select
        c.code,
        c.message,
        c.hint,
        c.path
    from (values
        (
            p_message.mo_no is not null and p_order is null,
            'IN106', format('the ERP has no order %s', p_message.mo_no),
            'Numbers are compared exactly, case included.', '/mo_no'
        ),
        (
            p_order ->> 'status' in ('planned', 'closed', 'cancelled', 'held'),
            'IN304',
            format('order %s is %s', p_message.mo_no, replace(p_order ->> 'status', 'held', 'on hold')),
            case p_order ->> 'status' when 'held' then 'The report is posted when the order is resumed.'
                else 'Only a released order can be reported on.' end,
            '/mo_no'
        ),
        (
            p_message.item_code <> p_order ->> 'item_code',
            'IN310', format('order %s makes item %s, not %s', p_message.mo_no, p_order ->> 'item_code', p_message.item_code),
            'Look the number of the order up.', '/item'
        ),
        (
            p_order -> 'operations' <> '[]' and p_message.operation_no not in (
                select (o.operation ->> 'operation_no')::integer
                from jsonb_array_elements(p_order -> 'operations') as o (operation)
            ),
            'IN306', format('order %s has no operation %s', p_message.mo_no, p_message.operation_no),
            'Name one of the order, or none for what is finished.', '/operation_no'
        ),
        (
            p_message.reported_at > clock_timestamp() + interval '5 minutes',
            'IN309', format('reported_at %s lies in the future', p_message.reported_at),
            'Set the sender''s clock; report it anew, or have this one processed again when it is past.', '/reported_at'
        ),
        (
            p_message.kind <> 'report',
            'IN085', format('a %s is not handed to the ERP', p_message.kind),
            'Book it in the ERP itself.', '/kind'
        )
    ) as c (wrong, code, message, hint, path)
    where c.wrong
) as p
$function$;
comment on function artery_mes._adopted_report_problems(artery_mes.report_message, jsonb) is
'All that keeps a report from being handed to the adopted ERP, as reasons; null = nothing';
revoke execute on function artery_mes._adopted_report_problems(
    artery_mes.report_message, jsonb
) from public;
