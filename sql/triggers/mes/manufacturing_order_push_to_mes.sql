create or replace function artery_mes.manufacturing_order_push_to_mes()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery_mes.push_mo(new.mo_no);
    return null;
end
$function$;

create or replace trigger manufacturing_order_push_to_mes
after update on artery_erp.manufacturing_order
for each row
when (new.version > old.version)
execute function artery_mes.manufacturing_order_push_to_mes();

comment on function artery_mes.manufacturing_order_push_to_mes() is
'On_MO_Release -> Push_to_MES_Queue, in the transaction of the change; so too each later version';
