create or replace function artery_plm.unit_conversion_signal_cost()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.cost_signal (item_code, reason)
    select distinct
        t.item_code,
        'unit_conversion'
    from touched as t;
    return null;
end
$function$;

create or replace trigger unit_conversion_signal_cost
after insert on artery_erp.unit_conversion
referencing new table as touched
for each statement
execute function artery_plm.unit_conversion_signal_cost();

create or replace trigger unit_conversion_signal_cost_update
after update on artery_erp.unit_conversion
referencing new table as touched
for each statement
execute function artery_plm.unit_conversion_signal_cost();

create or replace trigger unit_conversion_signal_cost_delete
after delete on artery_erp.unit_conversion
referencing old table as touched
for each statement
execute function artery_plm.unit_conversion_signal_cost();

comment on function artery_plm.unit_conversion_signal_cost() is
'A unit conversion that came, went or changed: one that is general concerns every item: signalled for the roll-up of costs';
