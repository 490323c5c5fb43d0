/* What was made before keeps what it took; the rest is made by the new revision. A frozen line's
   quantity stays an exact fraction for the whole order: made x old + (ordered - made) x new, so
   that the requirement of the whole order is right and backflush, which is cumulative, ends at it.
   A component that goes is kept at what was issued of it, or deleted where nothing was.
   p_ratio: of the new line's need to the old line's, by which the frozen fraction is scaled, so
   that it holds below phantoms and in any unit of the order. */
create or replace function artery_plm._rework_line(
    p_eco_no text, p_item_code text, p_line_no integer, p_mo_no text
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_eco record;
    v_new record;
    v_old record;
    v_made numeric;
    v_ordered numeric;
    v_line_no integer;
begin
    select
        c.action,
        b.base_bom_id,
        b.new_bom_id
    into strict v_eco
    from artery_erp.engineering_change_line as c
    inner join artery_erp.engineering_change_bom as b on b.eco_no = c.eco_no and b.item_code = c.item_code
    where c.eco_no = p_eco_no and c.item_code = p_item_code and c.line_no = p_line_no;
    select
        least(mo.good + mo.scrap, mo.quantity),
        mo.quantity
    into v_made, v_ordered
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = p_mo_no;
    select n.* into v_new
    from artery_plm._line_need(v_eco.new_bom_id, p_line_no) as n;

    -- a loop: one line, more only where a phantom stands in the order twice
    for v_old in
        select distinct on (l.bom_path[:cardinality(l.bom_path) - 1])
            l.line_no,
            l.bom_path,
            l.component_code,
            l.quantity,
            l.base_quantity,
            l.issued,
            l.operation_no,
            o.numerator,
            o.denominator
        from artery_erp.manufacturing_order_line as l
        cross join lateral artery_plm._line_need(l.bom_id, l.bom_line_no) as o
        where
            l.mo_no = p_mo_no
            and l.bom_id = v_eco.base_bom_id
            and (v_eco.action = 'add' or l.bom_line_no = p_line_no)
        order by l.bom_path[:cardinality(l.bom_path) - 1], l.line_no
    loop
        if v_eco.action = 'change' and v_new.component_code = v_old.component_code then
            update artery_erp.manufacturing_order_line as l
            set
                bom_id = v_eco.new_bom_id,
                quantity = v_old.quantity * (
                    v_made * v_old.numerator * v_new.denominator
                    + (v_ordered - v_made) * v_new.numerator * v_old.denominator
                ),
                base_quantity = v_ordered * v_old.base_quantity * v_old.numerator * v_new.denominator,
                scrap_rate = v_new.scrap_rate,
                issue_method = v_new.issue_method
            where l.mo_no = p_mo_no and l.line_no = v_old.line_no;
        elsif v_eco.action <> 'add' then
            delete from artery_erp.manufacturing_order_line_substitute as s
            where s.mo_no = p_mo_no and s.line_no = v_old.line_no and v_old.issued = 0;
            delete from artery_erp.manufacturing_order_line as l
            where l.mo_no = p_mo_no and l.line_no = v_old.line_no and v_old.issued = 0;
            update artery_erp.manufacturing_order_line as l
            set
                quantity = v_old.issued,
                base_quantity = v_ordered
            where l.mo_no = p_mo_no and l.line_no = v_old.line_no;
        end if;

        if v_new.component_code is not null and v_ordered > v_made and (
            v_eco.action = 'add' or v_new.component_code <> v_old.component_code
        ) then
            select case
                when cardinality(v_old.bom_path) = 1 and not bool_or(l.line_no = p_line_no) then p_line_no
                else max(l.line_no) / 10 * 10 + 10
            end
            into v_line_no
            from artery_erp.manufacturing_order_line as l
            where l.mo_no = p_mo_no;
            insert into artery_erp.manufacturing_order_line (
                mo_no, line_no, bom_id, bom_line_no, bom_path, component_code, component_revision,
                quantity, base_quantity, required, unit, scrap_rate, issue_method, issue_at,
                operation_no, warehouse_code
            )
            select
                p_mo_no,
                v_line_no,
                v_eco.new_bom_id,
                p_line_no,
                v_old.bom_path[:cardinality(v_old.bom_path) - 1] || p_line_no,
                n.component_code,
                n.component_revision,
                (v_ordered - v_made) * v_old.quantity * v_new.numerator * v_old.denominator,
                v_ordered * v_old.base_quantity * v_old.numerator * v_new.denominator,
                1,
                v_new.unit,
                n.scrap_rate,
                n.issue_method,
                n.issue_at,
                case when cardinality(v_old.bom_path) = 1 then n.operation_no else v_old.operation_no end,
                n.warehouse_code
            from artery_erp.bom_line as n
            where n.bom_id = v_eco.new_bom_id and n.line_no = p_line_no;
        end if;
    end loop;
end
$function$;
comment on function artery_plm._rework_line(text, text, integer, text) is
'Brings the frozen lines of an order that come from one line of an ECO to its new revision';
revoke execute on function artery_plm._rework_line(text, text, integer, text) from public;

create or replace function artery_plm._line_need(p_bom_id bigint, p_line_no integer)
returns table (
    component_code text,
    numerator numeric,
    denominator numeric,
    unit text,
    scrap_rate numeric,
    issue_method text
)
language plpgsql
stable
rows 1
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select
        l.component_code::text,
        l.quantity * (1 + l.scrap_rate) * f.numerator,
        f.denominator,
        i.stock_unit::text,
        l.scrap_rate,
        l.issue_method
    from artery_erp.bom_line as l
    inner join artery_erp.item as i on i.code = l.component_code
    cross join lateral artery_erp.unit_factor(l.component_code, l.unit, i.stock_unit) as f
    where l.bom_id = p_bom_id and l.line_no = p_line_no;
end
$function$;
comment on function artery_plm._line_need(bigint, integer) is
'What a BOM line takes for the base quantity, scrap included, in the component''s stock unit, as a fraction';
revoke execute on function artery_plm._line_need(bigint, integer) from public;
