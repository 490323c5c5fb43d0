/* What reports may take: first, by order and line, the components that backflush takes, each
   followed by its substitutes; after them, by report, those that the reports name themselves. */
create or replace function artery_mes._backflush_rows(p_drafts artery_mes.report_draft[])
returns setof artery_mes.backflush_row
language plpgsql
stable
rows 1000
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    with mo as materialized (
        select distinct
            d.order_no,
            (d.report).mo_no
        from unnest(p_drafts) as d
    ),

    line as (
        select
            mo.order_no,
            l.mo_no,
            l.line_no,
            l.component_code,
            coalesce(l.warehouse_code, o.line_warehouse) as warehouse_code,
            l.quantity,
            l.base_quantity,
            l.issue_method,
            l.issue_at,
            l.operation_no,
            l.issued
        from mo
        inner join artery_erp.manufacturing_order as o on o.mo_no = mo.mo_no
        inner join artery_erp.manufacturing_order_line as l on l.mo_no = mo.mo_no
    ),

    listed as (
        select
            null::bigint as report_id,
            1 as rank,
            l.component_code as item_code,
            null::text as lot_no,
            l.*
        from line as l
        where l.issue_method = 'backflush'

        union all
        select
            null,
            1 + (row_number() over (partition by l.order_no, l.line_no order by s.priority))::integer,
            s.component_code,
            null,
            l.order_no,
            l.mo_no,
            l.line_no,
            l.component_code,
            l.warehouse_code,
            s.ratio,
            1,
            l.issue_method,
            l.issue_at,
            l.operation_no,
            l.issued
        from line as l
        inner join artery_erp.manufacturing_order_line_substitute as s
            on s.mo_no = l.mo_no and s.line_no = l.line_no
        where l.issue_method = 'backflush'

        union all
        select
            (d.report).id,
            0,
            coalesce(artery_erp.clean_code(c.value ->> 'item'), l.component_code),
            coalesce(artery_erp.clean_code(c.value ->> 'lot'), ''),
            d.order_no,
            l.mo_no,
            l.line_no,
            l.component_code,
            coalesce(artery_erp.clean_code(c.value ->> 'warehouse'), l.warehouse_code, o.line_warehouse),
            (c.value ->> 'quantity')::numeric,
            coalesce(s.ratio, 1),
            l.issue_method,
            l.issue_at,
            l.operation_no,
            l.issued
        from unnest(p_drafts) as d
        cross join lateral jsonb_array_elements(d.components) as c (value)
        inner join artery_erp.manufacturing_order as o on o.mo_no = (d.report).mo_no
        inner join artery_erp.manufacturing_order_line as l
            on l.mo_no = o.mo_no and l.line_no = (c.value ->> 'line_no')::integer
        left join artery_erp.manufacturing_order_line_substitute as s
            on
            s.mo_no = l.mo_no
            and s.line_no = l.line_no
            and s.component_code = artery_erp.clean_code(c.value ->> 'item')
            and s.component_code <> l.component_code
    )

    select
        w.report_id,
        w.order_no,
        w.mo_no::text,
        w.line_no,
        (dense_rank() over (order by w.order_no, w.line_no))::integer,
        w.rank,
        w.item_code::text,
        w.warehouse_code::text,
        (dense_rank() over (order by w.item_code, w.warehouse_code))::integer,
        w.lot_no,
        w.quantity,
        w.base_quantity,
        u.whole_number,
        w.issue_at,
        w.operation_no,
        w.issued,
        coalesce(i.negative_stock, wh.negative_stock),
        w.rank = 0
        or w.rank = max(w.rank) over (partition by w.order_no, w.line_no)
    from listed as w
    inner join artery_erp.item as i on i.code = w.item_code
    inner join artery_erp.unit as u on u.code = i.stock_unit
    inner join artery_erp.warehouse as wh on wh.code = w.warehouse_code
    order by w.report_id nulls first, w.order_no, w.line_no, w.rank, w.lot_no;
end
$function$;
comment on function artery_mes._backflush_rows(artery_mes.report_draft[]) is
'The components that reports may take: those of their orders in the order of the lines, then those that they name';
revoke execute on function artery_mes._backflush_rows(artery_mes.report_draft[]) from public;
