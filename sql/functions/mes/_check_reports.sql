/* Everything about a report that does not depend on other reports or on stock; the orders are
   locked. All problems of a report at once. What time may mend (an order on hold, a closed period)
   parks it, anything else rejects it. */
create or replace function artery_mes._check_reports(p_ids bigint[])
returns setof artery_mes.report_draft
language plpgsql
volatile
rows 500
set search_path = ''
as $function$
declare
    v_books_closed constant boolean := exists (
        select from artery_erp.accounting_period as p where p.status = 'closed'
    );
begin
    return query
    select
        row(
            m.id, m.source, m.message_id, m.kind, mo.mo_no, m.operation_no, m.final,
            mo.item_code, m.good, m.scrap, m.rework, left(m.body ->> 'reason', 200),
            m.warehouse_code, m.lot_no, m.reported_at, null, null, null
        )::artery_mes.production_report,
        (dense_rank() over (order by mo.mo_no, m.scope_operation))::integer,
        case when m.final then mo.good else op.good end,
        case when m.final then mo.good + mo.scrap else op.good + op.scrap end,
        mo.quantity * (1 + mo.overproduction_rate),
        case m.kind when 'release' then mo.quantity end,
        f.numerator,
        f.denominator,
        m.body ->> 'reverses',
        m.body -> 'components',
        r.reasons is null and w.reasons is not null,
        nullif(coalesce(r.reasons, '[]') || coalesce(w.reasons, '[]'), '[]')
    from artery_mes._read_reports(p_ids) as m
    left join artery_erp.manufacturing_order as mo on mo.mo_no = m.mo_no
    left join artery_erp.item as i on i.code = mo.item_code
    left join artery_erp.unit as u on u.code = mo.unit
    left join artery_erp.warehouse as wh on wh.code = m.warehouse_code
    left join artery_erp.manufacturing_order_operation as op
        on op.mo_no = mo.mo_no and op.operation_no = m.scope_operation
    left join lateral artery_erp.unit_factor(i.code, mo.unit, i.stock_unit) as f on true
    cross join lateral (
        select jsonb_agg(artery_staging._reason(p.code, p.message, p.hint, p.path)) as reasons
        from (
            select
                'IN303' as code,
                e.message,
                'Send what docs/backflush.md says; all quantities as strings.' as hint,
                e.path
            from (values
                ('/', 'the report is no object', jsonb_typeof(m.body) <> 'object'),
                ('/mo_no', 'mo_no is missing', m.mo_no is null),
                ('/good', 'good is no number of 15 digits and 8 decimals at most, not negative', m.good is null),
                ('/scrap', 'scrap is no number of 15 digits and 8 decimals at most, not negative', m.scrap is null),
                ('/rework', 'rework is no number of 15 digits and 8 decimals at most, not negative', m.rework is null),
                ('/reported_at', 'reported_at is no time with its offset from UTC', m.reported_at is null),
                ('/operation_no', 'operation_no is no number', m.bad_operation),
                ('/kind', 'kind is none of report, release, reversal', m.kind is null),
                (
                    '/good', format('%s comes in whole numbers', mo.unit),
                    u.whole_number
                    and (m.good <> trunc(m.good) or m.scrap <> trunc(m.scrap) or m.rework <> trunc(m.rework))
                )
            ) as e (path, message, wrong)
            where e.wrong
            union all
            select
                'IN106',
                format('there is no manufacturing order %s', m.mo_no),
                'Numbers are compared exactly, case included.',
                '/mo_no'
            where m.mo_no is not null and mo.mo_no is null
            union all
            select
                'IN304',
                format('manufacturing order %s is %s', mo.mo_no, mo.status),
                'Only a released order can be reported on.',
                '/mo_no'
            where mo.status in ('planned', 'closed', 'cancelled')
            union all
            select
                'IN306',
                format('order %s has no operation %s', mo.mo_no, m.operation_no),
                'Name one of the order, or none for what is finished.',
                '/operation_no'
            where mo.mo_no is not null and m.operation_no is not null and op.operation_no is null
            union all
            select
                'IN310',
                format('order %s makes item %s, not %s', mo.mo_no, mo.item_code, m.body ->> 'item'),
                'Look the number of the order up.',
                '/item'
            where artery_erp.clean_code(m.body ->> 'item') <> mo.item_code
            union all
            select
                'IN305',
                case
                    when m.warehouse_code is null then format('order %s says no warehouse to receive in', mo.mo_no)
                    when wh.code is null then format('there is no warehouse %s', m.warehouse_code)
                    else format('order %s is received in %s, not in %s', mo.mo_no, mo.receive_warehouse, wh.code)
                end,
                'Name the order''s receive_warehouse, or one of kind quarantine.',
                '/warehouse'
            where
                mo.mo_no is not null and m.kind = 'report' and m.final
                and (wh.code is null or wh.code <> mo.receive_warehouse and wh.kind <> 'quarantine')
            union all
            select
                'IN305',
                format('order %s says no warehouse to take components from', mo.mo_no),
                'Set its line_warehouse, or the warehouse of its lines.',
                '/mo_no'
            where
                mo.line_warehouse is null
                and exists (
                    select
                    from artery_erp.manufacturing_order_line as l
                    where
                        l.mo_no = mo.mo_no
                        and l.issue_method = 'backflush'
                        and l.warehouse_code is null
                )
            union all
            select
                'IN307',
                case
                    when m.lot_no is null then format('item %s is made in lots: name the one', i.code)
                    when not i.lot_tracked then format('item %s has no lots', i.code)
                    else format('%s is no lot number', m.lot_no)
                end,
                'lot is the number of what was made; components have theirs in components.',
                '/lot'
            where
                m.final and m.kind = 'report'
                and case
                    when not i.lot_tracked then m.lot_no is not null
                    else m.good > 0 and (m.lot_no ~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$') is not true
                end
            union all
            select
                'IN309',
                format('reported_at %s lies in the future', m.reported_at),
                'Set the clock of the sender, then send the report with an id of its own.',
                '/reported_at'
            where m.reported_at > clock_timestamp() + interval '5 minutes'
            union all
            select
                c.value ->> 'code',
                c.value ->> 'message',
                c.value ->> 'hint',
                c.value ->> 'path'
            from jsonb_array_elements(case
                when mo.mo_no is not null and m.body ? 'components' then
                    artery_mes._check_components(mo.mo_no, m.body -> 'components')
            end) as c (value)
        ) as p
    ) as r
    cross join lateral (
        select jsonb_agg(artery_staging._reason(p.code, p.message, p.hint, p.path)) as reasons
        from (
            select
                'IN304' as code,
                format('manufacturing order %s is on hold', mo.mo_no) as message,
                'The report is posted when the order is resumed.' as hint,
                '/mo_no' as path
            where mo.status = 'held'
            union all
            select
                'IN109',
                format('the accounting period of %s is closed', m.reported_at),
                'The report is posted when the period is opened again.',
                '/reported_at'
            where
                v_books_closed and m.kind <> 'reversal'
                and artery_erp.next_open_time(m.reported_at) <> m.reported_at
        ) as p
    ) as w
    order by m.id;
end
$function$;
comment on function artery_mes._check_reports(bigint[]) is
'The messages of these ids as drafts of reports, checked, in the order of their ids; with reasons = not to be posted';
revoke execute on function artery_mes._check_reports(bigint[]) from public;
