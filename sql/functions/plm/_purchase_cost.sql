create or replace function artery_plm._purchase_cost(
    p_item_code text, p_unit text, p_at timestamptz
)
returns table (unit_cost numeric)
language plpgsql
stable
rows 1
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select round(l.unit_price * f.denominator / f.numerator, 8)
    from artery_erp.purchase_order_line as l
    inner join artery_erp.purchase_order as o
        on o.supplier_code = l.supplier_code and o.po_no = l.po_no
    -- a price in a unit that cannot be converted is no price
    cross join lateral artery_erp.unit_factor(p_item_code, l.unit, p_unit) as f
    where
        l.item_code = p_item_code
        and l.unit_price is not null
        and o.status in ('approved', 'closed')
        and o.ordered_at <= p_at
    order by o.ordered_at desc, o.po_no desc, l.line_no desc
    limit 1;
end
$function$;
comment on function artery_plm._purchase_cost(text, text, timestamptz) is
'Price of an item in its newest approved purchase order at p_at, for one p_unit; no row where there is none';
revoke execute on function artery_plm._purchase_cost(text, text, timestamptz) from public;
