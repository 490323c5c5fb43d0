create or replace function artery_iot.live_states(p_equipment text[] default null)
returns setof artery_iot.equipment_live
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select l.*
from artery_iot.equipment_live as l
where p_equipment is null or l.equipment_code = any(p_equipment)
order by l.equipment_code
$function$;

comment on function artery_iot.live_states(text[]) is
'artery_iot.equipment_live as a function, for programs that issue calls only; null = all machines';
grant execute on function artery_iot.live_states(text[]) to artery_reader;
