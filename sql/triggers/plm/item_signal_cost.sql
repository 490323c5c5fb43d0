create or replace function artery_plm.item_signal_cost()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.cost_signal (item_code, reason)
    select
        t.code,
        'item'
    from touched as t;
    return null;
end
$function$;

create or replace trigger item_signal_cost
after insert on artery_erp.item
referencing new table as touched
for each statement
execute function artery_plm.item_signal_cost();

comment on function artery_plm.item_signal_cost() is
'New items: signalled for the roll-up of costs';

create or replace function artery_plm.item_signal_cost_update()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.cost_signal (item_code, reason)
    select
        t.code,
        'item'
    from touched as t
    inner join before as b on b.code = t.code
    where
        (t.standard_cost, t.source, t.stock_unit)
        is distinct from (b.standard_cost, b.source, b.stock_unit);
    return null;
end
$function$;

create or replace trigger item_signal_cost_update
after update on artery_erp.item
referencing old table as before new table as touched
for each statement
execute function artery_plm.item_signal_cost_update();

comment on function artery_plm.item_signal_cost_update() is
'Items with another cost, source or stock unit: signalled for the roll-up of costs';
