create or replace function artery_plm.bom_signal_cost()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.cost_signal (item_code, reason, due_at)
    select distinct
        t.item_code,
        'bom',
        d.due_at
    from touched as t
    cross join lateral (
        values (now()), (lower(t.effectivity)), (upper(t.effectivity))
    ) as d (due_at)
    where d.due_at >= now() and (tg_op = 'UPDATE' or t.status = 'released');
    return null;
end
$function$;

create or replace trigger bom_signal_cost
after insert on artery_erp.bom
referencing new table as touched
for each statement
execute function artery_plm.bom_signal_cost();

create or replace trigger bom_signal_cost_update
after update on artery_erp.bom
referencing new table as touched
for each statement
execute function artery_plm.bom_signal_cost();

create or replace trigger bom_signal_cost_delete
after delete on artery_erp.bom
referencing old table as touched
for each statement
execute function artery_plm.bom_signal_cost();

comment on function artery_plm.bom_signal_cost() is
'A BOM that came, went or changed: signalled, now and for the days it begins and ends, for the roll-up of costs';
