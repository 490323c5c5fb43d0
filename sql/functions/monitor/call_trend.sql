create or replace function artery_monitor.call_trend(p_minutes integer default 60)
returns table (endpoint text, minute timestamptz, calls bigint, failed bigint)
language sql
stable
set search_path = ''
as $function$
select
    e.name,
    date_trunc('minute', l.called_at),
    count(*),
    count(*) filter (where l.outcome <> 'sent')
from artery.cloud_log as l
inner join artery.endpoint as e on e.id = l.endpoint_id
where l.called_at > date_trunc('minute', statement_timestamp()) - p_minutes * interval '1 minute'
group by e.name, date_trunc('minute', l.called_at)
$function$;
comment on function artery_monitor.call_trend(integer) is
'Calls of the last minutes, by endpoint and minute; a minute without calls has no row';
grant execute on function artery_monitor.call_trend(integer) to artery_reader;
