create or replace function artery_erp.reserve_stock(
    p_document_type text,
    p_document_id text,
    p_item_code text,
    p_warehouse_code text,
    p_lot_no text,
    p_quantity numeric,
    p_document_line integer default null
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_free numeric;
    v_id bigint;
begin
    select b.quantity - b.reserved
    into v_free
    from artery_erp.stock_balance as b
    where
        b.item_code = p_item_code
        and b.warehouse_code = p_warehouse_code
        and b.lot_no = coalesce(p_lot_no, '')
    for no key update;
    -- written so that NaN fails too: it is greater than any number
    if p_quantity is null or not (p_quantity > 0 and p_quantity <= coalesce(v_free, 0)) then
        raise exception using
            errcode = 'IN107',
            message = format('%s of item %s cannot be reserved', coalesce(p_quantity::text, '(null)'), p_item_code),
            detail = format(
                'Warehouse %s, lot %s: %s not reserved yet.',
                p_warehouse_code, coalesce(nullif(p_lot_no, ''), '(none)'), coalesce(v_free, 0)
            ),
            hint = 'Reserve less, more than 0, or another lot.';
    end if;

    update artery_erp.stock_balance as b
    set reserved = b.reserved + p_quantity
    where
        b.item_code = p_item_code
        and b.warehouse_code = p_warehouse_code
        and b.lot_no = coalesce(p_lot_no, '');
    insert into artery_erp.stock_reservation as r (
        item_code, warehouse_code, lot_no, quantity, document_type, document_id, document_line
    )
    values (
        p_item_code, p_warehouse_code, coalesce(p_lot_no, ''), p_quantity, p_document_type,
        p_document_id, p_document_line
    )
    returning r.id into v_id;
    return v_id;
end
$function$;

comment on function artery_erp.reserve_stock(text, text, text, text, text, numeric, integer) is
'Promises stock of one balance to a document, in the stock unit; returns the reservation''s id. Errors: IN107 '
'there is not so much that is not promised yet';
grant execute on function artery_erp.reserve_stock(text, text, text, text, text, numeric, integer)
    to artery_app;
