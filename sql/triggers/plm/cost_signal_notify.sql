create or replace function artery_plm.cost_signal_notify()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    if exists (select from signalled) then
        perform pg_notify('cost_roll_up_channel', '');
    end if;
    return null;
end
$function$;

create or replace trigger cost_signal_notify
after insert on artery_plm.cost_signal
referencing new table as signalled
for each statement
execute function artery_plm.cost_signal_notify();

comment on function artery_plm.cost_signal_notify() is
'Tells on cost_roll_up_channel that costs are to be rolled up';
