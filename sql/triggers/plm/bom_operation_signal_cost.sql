create or replace function artery_plm.bom_operation_signal_cost()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.cost_signal (item_code, reason)
    select distinct
        b.item_code,
        'bom_operation'
    from touched as t
    inner join artery_erp.bom as b on b.id = t.bom_id
    where b.status = 'released';
    return null;
end
$function$;

create or replace trigger bom_operation_signal_cost
after insert on artery_erp.bom_operation
referencing new table as touched
for each statement
execute function artery_plm.bom_operation_signal_cost();

create or replace trigger bom_operation_signal_cost_update
after update on artery_erp.bom_operation
referencing new table as touched
for each statement
execute function artery_plm.bom_operation_signal_cost();

create or replace trigger bom_operation_signal_cost_delete
after delete on artery_erp.bom_operation
referencing old table as touched
for each statement
execute function artery_plm.bom_operation_signal_cost();

comment on function artery_plm.bom_operation_signal_cost() is
'Operations that came, went or changed in a released BOM: signalled for the roll-up of costs';
