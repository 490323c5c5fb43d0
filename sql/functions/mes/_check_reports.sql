/* A cheap look at all, a thorough one (_report_problems) at those that are not plainly good. Orders
   are locked. What time may mend (an order on hold, a closed period) parks a report, anything else
   rejects it. */
create or replace function artery_mes._check_reports(p_messages artery_mes.report_message[])
returns setof artery_mes.report_draft
language plpgsql
volatile
rows 500
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_now constant timestamptz := clock_timestamp();
    v_books_closed constant boolean := exists (
        select from artery_erp.accounting_period as p where p.status = 'closed'
    );
begin
    return query
    with named as materialized (
        select
            mo.*,
            row_number() over (order by mo.mo_no) as order_no,
            (
                select max(o.operation_no)
                from artery_erp.manufacturing_order_operation as o
                where o.mo_no = mo.mo_no
            ) as last_operation,
            i.lot_tracked,
            u.whole_number,
            f.numerator,
            f.denominator
        from artery_erp.manufacturing_order as mo
        inner join artery_erp.item as i on i.code = mo.item_code
        inner join artery_erp.unit as u on u.code = mo.unit
        left join lateral artery_erp.unit_factor(i.code, mo.unit, i.stock_unit) as f on true
        where mo.mo_no in (select m.mo_no from unnest(p_messages) as m)
    )

    select
        row(
            m.id, m.source, m.report_id, m.kind, mo.mo_no, m.operation_no, s.final,
            mo.item_code, m.good, m.scrap, m.rework, m.reason, w.code, m.lot_no, m.reported_at,
            null, null, null
        )::artery_mes.production_report,
        mo.order_no::integer,
        (dense_rank() over (order by mo.order_no, s.operation_no))::integer,
        case when s.final then mo.good else op.good end,
        case when s.final then mo.good + mo.scrap else op.good + op.scrap end,
        mo.quantity * (1 + mo.overproduction_rate),
        case m.kind when 'release' then mo.quantity end,
        mo.numerator,
        mo.denominator,
        m.reverses_report,
        m.components,
        not p.lasting,
        p.reasons
    from unnest(p_messages) as m
    left join named as mo on mo.mo_no = m.mo_no
    left join artery_erp.warehouse as w on w.code = coalesce(m.warehouse_code, mo.receive_warehouse)
    cross join lateral (
        select
            coalesce(m.operation_no, mo.last_operation, 0) as operation_no,
            m.operation_no is null or m.operation_no is not distinct from mo.last_operation as final
    ) as s
    left join artery_erp.manufacturing_order_operation as op
        on op.mo_no = mo.mo_no and op.operation_no = s.operation_no
    left join lateral (
        select
            bool_or(not r.passing) as lasting,
            jsonb_agg(artery._reason(r.code, r.message, r.hint, r.path)) as reasons
        from artery_mes._report_problems(m) as r
        -- what is plainly good
        where (
            m.problems = '{}'
            and m.kind <> 'reversal'
            and m.components is null
            and mo.status in ('released', 'in_progress', 'completed')
            and not (
                mo.whole_number
                and (m.good <> trunc(m.good) or m.scrap <> trunc(m.scrap) or m.rework <> trunc(m.rework))
            )
            and (m.operation_no is null or op.operation_no is not null)
            and (m.item_code is null or m.item_code = mo.item_code)
            and w.code = mo.receive_warehouse
            and mo.line_warehouse is not null
            and case when mo.lot_tracked
                then m.lot_no ~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$' else m.lot_no is null
            end
            and m.reported_at < v_now
            and not v_books_closed
        ) is not true
    ) as p on true
    order by m.id;
end
$function$;
comment on function artery_mes._check_reports(artery_mes.report_message[]) is
'Messages as drafts of reports, in the order of their ids; those with reasons are not to be posted';
revoke execute on function artery_mes._check_reports(artery_mes.report_message[]) from public;
