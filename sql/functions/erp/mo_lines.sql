create or replace function artery_erp.mo_lines(p_mo_no text)
returns table (
    line_no integer,
    component_code text,
    operation_no integer,
    issue_method text,
    issue_at text,
    warehouse_code text,
    required numeric,
    issued numeric,
    on_hand numeric,
    unit text
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not exists (
        select from artery_erp.manufacturing_order as mo where mo.mo_no = p_mo_no
    ) then
        raise exception using
            errcode = 'IN106',
            message = format('there is no manufacturing order %s', coalesce(p_mo_no, '(null)')),
            detail = 'No row of artery_erp.manufacturing_order has this number.',
            hint = 'Numbers are compared exactly, case included.';
    end if;

    return query
    select
        l.line_no,
        l.component_code::text,
        l.operation_no,
        l.issue_method,
        l.issue_at,
        coalesce(l.warehouse_code, mo.line_warehouse)::text,
        l.required,
        l.issued,
        coalesce((
            select sum(b.quantity)
            from artery_erp.stock_balance as b
            where
                b.item_code = l.component_code
                and b.warehouse_code = coalesce(l.warehouse_code, mo.line_warehouse)
                and b.in_stock
        ), 0),
        l.unit::text
    from artery_erp.manufacturing_order as mo
    inner join artery_erp.manufacturing_order_line as l on l.mo_no = mo.mo_no
    where mo.mo_no = p_mo_no
    order by l.line_no;
end
$function$;

comment on function artery_erp.mo_lines(text) is
'Component lines of an order: required for all of it, issued so far, on hand where it is taken from. Errors: IN106';
grant execute on function artery_erp.mo_lines(text) to artery_app, artery_reader;
