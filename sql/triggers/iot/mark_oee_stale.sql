/* What people enter after the fact changes figures that were counted: the times of a downtime, all
   times of a machine whose cycle or calendar changed. The next roll-up counts them again. */
create or replace function artery_iot.equipment_downtime_mark_stale()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if tg_op <> 'INSERT' then
        insert into artery_iot.oee_stale (equipment_code, during)
        values (old.equipment_code, old.during);
    end if;
    if tg_op <> 'DELETE' then
        insert into artery_iot.oee_stale (equipment_code, during)
        values (new.equipment_code, new.during);
    end if;
    return null;
end
$function$;

create or replace trigger equipment_downtime_mark_stale
after insert or update or delete on artery_erp.equipment_downtime
for each row
execute function artery_iot.equipment_downtime_mark_stale();

create or replace function artery_iot.ideal_cycle_mark_stale()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_iot.oee_stale (equipment_code, during)
    values (case when tg_op = 'DELETE' then old.equipment_code else new.equipment_code end, '(,)');
    return null;
end
$function$;

create or replace trigger ideal_cycle_mark_stale
after insert or update or delete on artery_erp.ideal_cycle
for each row
execute function artery_iot.ideal_cycle_mark_stale();

create or replace function artery_iot.equipment_mark_stale()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- with other windows, none of the old ones may stay
    delete from artery_iot.oee_shift as s
    where s.equipment_code = new.code and (
        new.calendar_code <> old.calendar_code or new.in_service <> old.in_service
    );
    insert into artery_iot.oee_stale (equipment_code, during)
    values (new.code, '(,)');
    return null;
end
$function$;

create or replace trigger equipment_mark_stale
after update on artery_erp.equipment
for each row
when (
    -- not as two rows: the server would write that otherwise after a restore
    new.calendar_code is distinct from old.calendar_code
    or new.in_service is distinct from old.in_service
    or new.ideal_cycle is distinct from old.ideal_cycle
)
execute function artery_iot.equipment_mark_stale();

create or replace function artery_iot._calendar_stale(p_calendars text[])
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
delete from artery_iot.oee_shift as s
using artery_erp.equipment as e
where e.code = s.equipment_code and e.calendar_code = any(p_calendars);

insert into artery_iot.oee_stale (equipment_code, during)
select
    e.code,
    '(,)'
from artery_erp.equipment as e
where e.calendar_code = any(p_calendars)
$function$;

create or replace function artery_iot.calendar_mark_stale()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery_iot._calendar_stale(array_remove(array[
        case when tg_op <> 'INSERT' then old.calendar_code end,
        case when tg_op <> 'DELETE' then new.calendar_code end
    ], null));
    return null;
end
$function$;

create or replace function artery_iot.work_calendar_mark_stale()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery_iot._calendar_stale(array[new.code]);
    return null;
end
$function$;

create or replace trigger work_calendar_mark_stale
after update of time_zone on artery_erp.work_calendar
for each row
execute function artery_iot.work_calendar_mark_stale();

create or replace trigger work_shift_mark_stale
after insert or update or delete on artery_erp.work_shift
for each row
execute function artery_iot.calendar_mark_stale();

create or replace trigger calendar_day_mark_stale
after insert or update or delete on artery_erp.calendar_day
for each row
execute function artery_iot.calendar_mark_stale();

comment on function artery_iot.equipment_downtime_mark_stale() is
'Has the OEE counted again where downtime was recorded, changed or removed';
comment on function artery_iot.ideal_cycle_mark_stale() is
'Has the OEE of a machine counted again when an ideal cycle changed';
comment on function artery_iot.equipment_mark_stale() is
'Has the OEE of a machine counted again when its calendar, service date or cycle changed';
comment on function artery_iot._calendar_stale(text[]) is
'Has the OEE counted again of the machines of calendars';
comment on function artery_iot.calendar_mark_stale() is
'Has the OEE counted again of the machines whose shifts or days changed';
comment on function artery_iot.work_calendar_mark_stale() is
'Has the OEE counted again of the machines whose calendar is in another zone now';
