create or replace function artery_monitor.breaker_events(
    p_endpoint text, p_limit integer default 20
)
returns table (at timestamptz, from_state text, to_state text, reason text, who text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    b.at,
    b.from_state,
    b.to_state,
    b.reason,
    b.by_role
from artery.breaker_event as b
inner join artery.endpoint as e on e.id = b.endpoint_id
where e.name = p_endpoint
order by b.at desc
limit p_limit
$function$;
comment on function artery_monitor.breaker_events(text, integer) is
'What an endpoint''s breaker did, newest first, by traffic or by hand';
grant execute on function artery_monitor.breaker_events(text, integer) to artery_reader;
