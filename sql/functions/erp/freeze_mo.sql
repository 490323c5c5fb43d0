/* Reads the BOM as of the order's planned start; writes manufacturing_order_operation, _line and
   _line_substitute.
   A line straight from the order's BOM keeps its number; what comes through a phantom is numbered
   after the last of those, in tree order. */
create or replace function artery_erp.freeze_mo(p_mo_no text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_erp.manufacturing_order_operation (
        mo_no, operation_no, name, work_center, setup_minutes, run_minutes, base_quantity
    )
    select
        mo.mo_no,
        o.operation_no,
        o.name,
        o.work_center,
        o.setup_minutes,
        -- base_quantity is in the BOM's unit, the order's quantity in its own
        o.run_minutes * f.numerator * fb.numerator,
        b.base_quantity * f.denominator * fb.denominator
    from artery_erp.manufacturing_order as mo
    inner join artery_erp.item as i on i.code = mo.item_code
    inner join artery_erp.bom as b on b.id = mo.bom_id
    inner join artery_erp.bom_operation as o on o.bom_id = b.id
    cross join lateral artery_erp.unit_factor(i.code, mo.unit, i.stock_unit) as f
    cross join lateral artery_erp.unit_factor(i.code, i.stock_unit, b.unit) as fb
    where mo.mo_no = p_mo_no;

    insert into artery_erp.manufacturing_order_line (
        mo_no, line_no, bom_id, bom_line_no, bom_path, component_code, component_revision,
        quantity, base_quantity, required, unit, scrap_rate, issue_method, operation_no,
        warehouse_code, issue_at
    )
    select
        mo.mo_no,
        case
            when e.level = 1 then e.line_no
            else e.last_no + 10 * row_number() over (partition by e.level = 1 order by e.line_path)
        end,
        e.bom_id,
        e.line_no,
        e.line_path,
        e.component_code,
        e.component_revision,
        e.quantity,
        e.base_quantity,
        e.required,
        e.unit,
        e.scrap_rate,
        e.issue_method,
        e.operation_no,
        e.warehouse_code,
        b.issue_at
    from artery_erp.manufacturing_order as mo
    cross join lateral (
        select
            x.*,
            max(x.line_no) filter (where x.level = 1) over () as last_no
        from artery_erp.bom_explosion(
            mo.item_code, mo.quantity, mo.planned_start, mo.bom_revision, mo.unit, true
        ) as x
    ) as e
    inner join artery_erp.bom_line as b on b.bom_id = e.bom_id and b.line_no = e.line_no
    where mo.mo_no = p_mo_no and not e.phantom;

    insert into artery_erp.manufacturing_order_line_substitute (
        mo_no, line_no, priority, component_code, ratio
    )
    select
        l.mo_no,
        l.line_no,
        s.priority,
        s.component_code,
        s.ratio
    from artery_erp.manufacturing_order_line as l
    inner join artery_erp.bom_line_substitute as s
        on s.bom_id = l.bom_id and s.line_no = l.bom_line_no
    where l.mo_no = p_mo_no;
end
$function$;

comment on function artery_erp.freeze_mo(text) is
'Copies the operations and component lines of a manufacturing order from its BOM, for good';
revoke execute on function artery_erp.freeze_mo(text) from public;
