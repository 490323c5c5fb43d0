create or replace function artery_plm.bom_line_signal_cost()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.cost_signal (item_code, reason, due_at)
    select distinct
        b.item_code,
        'bom_line',
        d.due_at
    from touched as t
    inner join artery_erp.bom as b on b.id = t.bom_id
    cross join lateral (
        values (now()), (lower(t.effectivity)), (upper(t.effectivity))
    ) as d (due_at)
    where d.due_at >= now() and b.status = 'released';
    return null;
end
$function$;

create or replace trigger bom_line_signal_cost
after insert on artery_erp.bom_line
referencing new table as touched
for each statement
execute function artery_plm.bom_line_signal_cost();

create or replace trigger bom_line_signal_cost_update
after update on artery_erp.bom_line
referencing new table as touched
for each statement
execute function artery_plm.bom_line_signal_cost();

create or replace trigger bom_line_signal_cost_delete
after delete on artery_erp.bom_line
referencing old table as touched
for each statement
execute function artery_plm.bom_line_signal_cost();

comment on function artery_plm.bom_line_signal_cost() is
'Lines that came, went or changed in a released BOM: signalled for the roll-up of costs';
