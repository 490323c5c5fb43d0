-- On_MO_Release. Triggers of one moment fire in the order of their names: before ..._push_to_mes.
create or replace function artery_erp.manufacturing_order_on_release()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if old.status = 'planned' then
        perform artery_erp.freeze_mo(new.mo_no);
        return null;
    end if;

    update artery_erp.manufacturing_order_line as l
    set required = artery_erp.round_up(new.quantity * l.quantity, l.base_quantity, u.whole_number)
    from artery_erp.unit as u
    where l.mo_no = new.mo_no and u.code = l.unit;
    return null;
end
$function$;

create or replace trigger manufacturing_order_on_release
after update on artery_erp.manufacturing_order
for each row
when (
    old.status = 'planned' and new.status = 'released'
    or old.version > 0 and old.quantity <> new.quantity
)
execute function artery_erp.manufacturing_order_on_release();

comment on function artery_erp.manufacturing_order_on_release() is
'Freezes the lines of an order at its release; later, brings them up to its changed quantity';
