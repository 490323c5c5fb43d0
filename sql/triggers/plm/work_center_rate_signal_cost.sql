create or replace function artery_plm.work_center_rate_signal_cost()
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
        'work_center_rate'
    from touched as t
    inner join artery_erp.bom_operation as o on o.work_center = t.work_center
    inner join artery_erp.bom as b on b.id = o.bom_id
    where b.status = 'released';
    return null;
end
$function$;

create or replace trigger work_center_rate_signal_cost
after insert on artery_erp.work_center_rate
referencing new table as touched
for each statement
execute function artery_plm.work_center_rate_signal_cost();

create or replace trigger work_center_rate_signal_cost_update
after update on artery_erp.work_center_rate
referencing new table as touched
for each statement
execute function artery_plm.work_center_rate_signal_cost();

create or replace trigger work_center_rate_signal_cost_delete
after delete on artery_erp.work_center_rate
referencing old table as touched
for each statement
execute function artery_plm.work_center_rate_signal_cost();

comment on function artery_plm.work_center_rate_signal_cost() is
'A work center with another rate: signalled for the roll-up of costs';
