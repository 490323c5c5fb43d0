create or replace function artery_iot.seconds(p_times tstzmultirange)
returns numeric
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(sum(extract(epoch from upper(r.piece) - lower(r.piece))), 0)
from unnest(p_times) as r (piece)
$function$;

comment on function artery_iot.seconds(tstzmultirange) is 'How long these times last together: seconds';
grant execute on function artery_iot.seconds(tstzmultirange) to artery_reader;
