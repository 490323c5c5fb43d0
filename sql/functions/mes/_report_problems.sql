/* All that is wrong with a report, whatever other reports and the stock are like. Called for those
   that artery_mes._check_reports finds not plainly good: this decides. */
create or replace function artery_mes._report_problems(p_message artery_mes.report_message)
returns table (code text, message text, hint text, path text, passing boolean)
language plpgsql
stable
rows 3
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_mo artery_erp.manufacturing_order;
    v_item artery_erp.item;
    v_whole boolean;
    v_last integer;
    v_warehouse text;
    v_kind text;
    v_final boolean;
begin
    return query
    select
        'IN303',
        case f.field
            when 'body' then 'the report is no object'
            when 'good' then 'good is no number of 15 digits and 8 decimals at most, not below zero'
            when 'scrap' then 'scrap is no number of 15 digits and 8 decimals at most, not below zero'
            when 'rework' then 'rework is no number of 15 digits and 8 decimals at most, not below zero'
            when 'reported_at' then 'reported_at is no time with its offset from UTC'
            when 'operation_no' then 'operation_no is no number'
            when 'kind' then 'kind is none of report, release, reversal'
            else f.field || ' is missing'
        end,
        'docs/backflush.md tells what a report holds.',
        '/' || case when f.field <> 'body' then f.field else '' end,
        false
    from unnest(p_message.problems) as f (field);

    select mo.*
    into v_mo
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = p_message.mo_no;
    if not found then
        return query
        select
            'IN106', format('there is no manufacturing order %s', p_message.mo_no),
            'Numbers are compared exactly, case included.', '/mo_no', false
        where p_message.mo_no is not null
        union all
        select
            'IN311', format('%s has posted no report %s', p_message.source, p_message.reverses_report),
            'reverses names the report_id of a posted report of the same source.', '/reverses', false
        where p_message.kind = 'reversal' and p_message.mo_no is null and p_message.reverses_report is not null;
        return;
    end if;

    select i.*
    into v_item
    from artery_erp.item as i
    where i.code = v_mo.item_code;
    select u.whole_number
    into v_whole
    from artery_erp.unit as u
    where u.code = v_mo.unit;
    select max(o.operation_no)
    into v_last
    from artery_erp.manufacturing_order_operation as o
    where o.mo_no = v_mo.mo_no;
    v_final := p_message.operation_no is null or p_message.operation_no is not distinct from v_last;
    select
        w.code,
        w.kind
    into v_warehouse, v_kind
    from artery_erp.warehouse as w
    where w.code = coalesce(p_message.warehouse_code, v_mo.receive_warehouse);

    return query
    select
        p.code,
        p.message,
        p.hint,
        p.path,
        p.passing
    from (values
        (
            v_whole and (
                p_message.good <> trunc(p_message.good)
                or p_message.scrap <> trunc(p_message.scrap)
                or p_message.rework <> trunc(p_message.rework)
            ),
            'IN303', format('%s comes in whole numbers', v_mo.unit), 'Report whole ones.', '/good', false
        ),
        (
            v_mo.status in ('planned', 'closed', 'cancelled'),
            'IN304', format('manufacturing order %s is %s', v_mo.mo_no, v_mo.status),
            'Only a released order can be reported on.', '/mo_no', false
        ),
        (
            v_mo.status = 'held',
            'IN304', format('manufacturing order %s is on hold', v_mo.mo_no),
            'The report is posted when the order is resumed.', '/mo_no', true
        ),
        (
            p_message.operation_no is not null and not exists (
                select
                from artery_erp.manufacturing_order_operation as o
                where o.mo_no = v_mo.mo_no and o.operation_no = p_message.operation_no
            ),
            'IN306', format('order %s has no operation %s', v_mo.mo_no, p_message.operation_no),
            'Name one of the order, or none for what is finished.', '/operation_no', false
        ),
        (
            p_message.item_code <> v_mo.item_code,
            'IN310', format('order %s makes item %s, not %s', v_mo.mo_no, v_mo.item_code, p_message.item_code),
            'Look the number of the order up.', '/item', false
        ),
        (
            p_message.kind = 'report' and v_final
            and (v_warehouse is null or v_warehouse <> v_mo.receive_warehouse and v_kind <> 'quarantine'),
            'IN305',
            case when v_warehouse is null
                then format('there is no warehouse %s to receive in', coalesce(p_message.warehouse_code, '(none given)'))
                else format('order %s is received in %s, not in %s', v_mo.mo_no, v_mo.receive_warehouse, v_warehouse)
            end,
            'Name the order''s receive_warehouse, or one of kind quarantine.', '/warehouse', false
        ),
        (
            v_mo.line_warehouse is null and exists (
                select
                from artery_erp.manufacturing_order_line as l
                where
                    l.mo_no = v_mo.mo_no
                    and l.issue_method = 'backflush'
                    and l.warehouse_code is null
            ),
            'IN305', format('order %s says no warehouse to take components from', v_mo.mo_no),
            'Set its line_warehouse.', '/mo_no', false
        ),
        (
            p_message.kind = 'report' and v_final and case
                when not v_item.lot_tracked then p_message.lot_no is not null
                else p_message.good > 0
                    and (p_message.lot_no ~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$') is not true
            end,
            'IN307',
            case
                when not v_item.lot_tracked then format('item %s has no lots', v_item.code)
                when p_message.lot_no is null then format('item %s is made in lots: name the one', v_item.code)
                else format('%s is no lot number', left(p_message.lot_no, 80))
            end,
            'lot is that of what was made; components have theirs in components.', '/lot', false
        ),
        (
            p_message.reported_at > clock_timestamp() + interval '5 minutes',
            'IN309', format('reported_at %s lies in the future', p_message.reported_at),
            'Set the sender''s clock; report it anew, or have this one processed again when it is past.',
            '/reported_at', false
        ),
        (
            p_message.kind <> 'reversal'
            and artery_erp.next_open_time(p_message.reported_at) <> p_message.reported_at,
            'IN109', format('the accounting period of %s is closed', p_message.reported_at),
            'The report is posted when the period is opened again.', '/reported_at', true
        )
    ) as p (wrong, code, message, hint, path, passing)
    where p.wrong;

    if p_message.components is not null then
        return query
        select
            c.*,
            false
        from artery_mes._component_problems(v_mo.mo_no, p_message.components) as c;
    end if;
end
$function$;
comment on function artery_mes._report_problems(artery_mes.report_message) is
'What is wrong with a report, no rows = nothing; passing = time may mend it. Errors IN106, IN109, IN303 to IN311 as reasons';
revoke execute on function artery_mes._report_problems(artery_mes.report_message) from public;
