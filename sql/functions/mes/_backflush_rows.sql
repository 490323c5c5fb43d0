/* Which components each report may take, in the order in which it takes them. Cumulative: a report of
   an operation covers the operations before it, one of what is finished covers all of the order. So
   whatever the shop floor leaves out is taken later, and nothing twice. */
create or replace function artery_mes._backflush_rows(p_drafts artery_mes.report_draft[])
returns setof artery_mes.backflush_row
language plpgsql
stable
rows 2000
set search_path = ''
as $function$
begin
    return query
    with draft as materialized (
        select
            (d.report).id,
            (d.report).mo_no,
            (d.report).kind,
            (d.report).final,
            (d.report).operation_no,
            d.components
        from unnest(p_drafts) as d
    ),

    wanted as (
        select
            d.id,
            1 as rank,
            l.mo_no,
            l.line_no,
            l.component_code as item_code,
            coalesce(l.warehouse_code, mo.line_warehouse) as warehouse_code,
            null::text as lot_no,
            l.quantity,
            l.base_quantity,
            l.issued
        from draft as d
        inner join artery_erp.manufacturing_order as mo on mo.mo_no = d.mo_no
        inner join artery_erp.manufacturing_order_line as l on l.mo_no = d.mo_no
        where
            l.issue_method = 'backflush'
            and case
                when d.kind = 'release' then l.issue_at = 'release'
                else d.final or l.issue_at <> 'end' and l.operation_no <= d.operation_no
            end

        union all
        select
            d.id,
            0,
            d.mo_no,
            l.line_no,
            coalesce(artery_erp.clean_code(c.value ->> 'item'), l.component_code),
            coalesce(artery_erp.clean_code(c.value ->> 'warehouse'), l.warehouse_code, mo.line_warehouse),
            coalesce(artery_erp.clean_code(c.value ->> 'lot'), ''),
            (c.value ->> 'quantity')::numeric,
            case when s.component_code is null then 1 else s.ratio end,
            l.issued
        from draft as d
        cross join lateral jsonb_array_elements(d.components) as c (value)
        inner join artery_erp.manufacturing_order as mo on mo.mo_no = d.mo_no
        inner join artery_erp.manufacturing_order_line as l
            on l.mo_no = d.mo_no and l.line_no = (c.value ->> 'line_no')::integer
        left join artery_erp.manufacturing_order_line_substitute as s
            on
            s.mo_no = l.mo_no
            and s.line_no = l.line_no
            and s.component_code = artery_erp.clean_code(c.value ->> 'item')
            and s.component_code <> l.component_code
    ),

    listed as (
        select w.*
        from wanted as w

        union all
        select
            w.id,
            1 + (row_number() over (partition by w.id, w.line_no order by s.priority))::integer,
            w.mo_no,
            w.line_no,
            s.component_code,
            w.warehouse_code,
            null,
            s.ratio,
            1,
            w.issued
        from wanted as w
        inner join artery_erp.manufacturing_order_line_substitute as s
            on s.mo_no = w.mo_no and s.line_no = w.line_no
        where w.rank = 1
    )

    select
        w.id,
        w.rank,
        w.mo_no::text,
        w.line_no,
        (dense_rank() over (order by w.mo_no, w.line_no))::integer,
        w.item_code::text,
        w.warehouse_code::text,
        (dense_rank() over (order by w.item_code, w.warehouse_code))::integer,
        w.lot_no,
        w.quantity,
        w.base_quantity,
        u.whole_number,
        w.issued,
        coalesce(i.negative_stock, wh.negative_stock),
        coalesce(lead(w.id * 1000000000 + w.line_no) over (order by w.id, w.line_no, w.rank)
            <> w.id * 1000000000 + w.line_no, true)
    from listed as w
    inner join artery_erp.item as i on i.code = w.item_code
    inner join artery_erp.unit as u on u.code = i.stock_unit
    inner join artery_erp.warehouse as wh on wh.code = w.warehouse_code
    order by w.id, w.line_no, w.rank, w.lot_no;
end
$function$;
comment on function artery_mes._backflush_rows(artery_mes.report_draft[]) is
'The components that reports may take, in the order of the reports, the order''s lines and their ranks';
revoke execute on function artery_mes._backflush_rows(artery_mes.report_draft[]) from public;
