/* At the commit, once: whatever a transaction did to an order and its lines is one version and one
   message. Code that needs it sooner says
   `set constraints artery_erp.purchase_order_push immediate`. */
create or replace function artery_procurement.purchase_order_push()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if exists (
        select
        from artery_erp.purchase_order as o
        where o.supplier_code = new.supplier_code and o.po_no = new.po_no and o.untold
    ) then
        perform artery_procurement.push_po(new.supplier_code, new.po_no);
    end if;
    return null;
end
$function$;

do $trigger$
begin
    -- a constraint trigger cannot be replaced
    if exists (
        select
        from pg_catalog.pg_trigger as t
        where
            t.tgrelid = 'artery_erp.purchase_order'::regclass
            and t.tgname = 'purchase_order_push'
    ) then
        drop trigger purchase_order_push on artery_erp.purchase_order;
    end if;
end
$trigger$;

create constraint trigger purchase_order_push
after insert or update on artery_erp.purchase_order
deferrable initially deferred
for each row
when (new.untold)
execute function artery_procurement.purchase_order_push();

comment on function artery_procurement.purchase_order_push() is
'On_PO_Approval -> Cloud_Bus, in the transaction of the change, at its end; so too each later version';
