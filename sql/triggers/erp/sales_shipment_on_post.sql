-- Before ..._request_invoice, by the order of their names: what is not in stock is not invoiced.
create or replace function artery_erp.sales_shipment_on_post()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_moves jsonb;
    v_missing text;
begin
    select
        jsonb_agg(jsonb_build_object(
            'item', l.item_code,
            'warehouse', l.warehouse_code,
            'lot', l.lot_no,
            'quantity', trim_scale(-round(l.quantity * f.numerator / f.denominator, 8))::text,
            'document_line', l.line_no
        ) order by l.line_no),
        string_agg(format('line %s: %s -> %s of %s', l.line_no, l.unit, i.stock_unit, i.code), ', ' order by l.line_no)
        filter (where f.numerator is null)
    into v_moves, v_missing
    from artery_erp.sales_shipment_line as l
    inner join artery_erp.item as i on i.code = l.item_code
    left join lateral artery_erp.unit_factor(l.item_code, l.unit, i.stock_unit) as f on true
    where l.shipment_no = new.shipment_no and l.warehouse_code is not null;
    if v_missing is not null then
        raise exception using
            errcode = 'IN102',
            message = format('shipment %s: unit conversions are missing', new.shipment_no),
            detail = v_missing,
            hint = 'Add them to artery_erp.unit_conversion.';
    end if;
    if v_moves is not null then
        update artery_erp.sales_shipment as s
        set stock_posting_id = artery_erp.post_stock('shipment', 'sales_shipment', new.shipment_no, v_moves)
        where s.shipment_no = new.shipment_no;
    end if;
    return null;
end
$function$;

create or replace trigger sales_shipment_on_post
after update on artery_erp.sales_shipment
for each row
when (old.status = 'draft' and new.status = 'posted')
execute function artery_erp.sales_shipment_on_post();

comment on function artery_erp.sales_shipment_on_post() is
'Takes what a shipment names a warehouse for out of stock, all or nothing. Errors: IN102 no unit conversion, '
'IN107, IN109, IN110 as artery_erp.post_stock';
