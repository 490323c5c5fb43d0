create or replace function artery_erp.purchase_order_line_guard()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_line artery_erp.purchase_order_line := case tg_op when 'DELETE' then old else new end;
    v_status text;
begin
    if tg_op = 'UPDATE' and (
        (new.supplier_code, new.po_no, new.line_no, new.item_code, new.quantity, new.unit, new.unit_price)
        is not distinct from
        (old.supplier_code, old.po_no, old.line_no, old.item_code, old.quantity, old.unit, old.unit_price)
        and (new.due_at, new.over_delivery_rate) is not distinct from (old.due_at, old.over_delivery_rate)
    ) then
        return null;
    end if;

    select o.status
    into v_status
    from artery_erp.purchase_order as o
    where o.supplier_code = v_line.supplier_code and o.po_no = v_line.po_no
    for no key update;
    -- not found: the order itself is being deleted
    if v_status = 'cancelled' or v_status = 'closed' and tg_op <> 'INSERT' then
        raise exception using
            errcode = 'IN103',
            message = format('purchase order %s is %s: its lines stand', v_line.po_no, v_status),
            detail = format('Line %s.', v_line.line_no),
            hint = 'Set it to approved again first, or write a new order.';
    end if;
    update artery_erp.purchase_order as o
    set untold = true
    where
        o.supplier_code = v_line.supplier_code
        and o.po_no = v_line.po_no
        and v_status = 'approved'
        and not o.untold;
    if tg_op = 'UPDATE' then
        perform artery_erp.settle_order_lines(
            array[new.supplier_code], array[new.po_no], array[new.line_no]
        );
    end if;
    return null;
end
$function$;

create or replace trigger purchase_order_line_guard
after insert or update or delete on artery_erp.purchase_order_line
for each row
execute function artery_erp.purchase_order_line_guard();

comment on function artery_erp.purchase_order_line_guard() is
'Marks a changed line for its supplier to hear of; keeps those of closed and cancelled orders (IN103)';
