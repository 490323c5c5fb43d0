create or replace function artery_monitor.call_trend(p_minutes integer default 60)
returns table (endpoint text, minute timestamptz, calls bigint, failed bigint)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    e.name,
    h.minute,
    sum(h.calls)::bigint,
    coalesce(sum(h.calls) filter (where h.outcome <> 'sent'), 0)::bigint
from artery_monitor.calls_last_hour as h
inner join artery.endpoint as e on e.id = h.endpoint_id
where h.minute > date_trunc('minute', statement_timestamp()) - p_minutes * interval '1 minute'
group by e.name, h.minute
$function$;
comment on function artery_monitor.call_trend(integer) is
'Calls of the last minutes (60 at most), by endpoint and minute; a minute without calls has no row';
grant execute on function artery_monitor.call_trend(integer) to artery_reader;
