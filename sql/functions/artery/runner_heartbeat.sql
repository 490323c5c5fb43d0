create or replace function artery.runner_heartbeat(p_runner bigint, p_stats jsonb default null)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
update artery.runner as r
set
    seen_at = clock_timestamp(),
    stats = coalesce(p_stats, r.stats)
where r.id = p_runner
$function$;
comment on function artery.runner_heartbeat(bigint, jsonb) is
'Says that a runner lives, with its own figures for the monitor; leases are renewed apart, by '
'artery.renew_leases';
grant execute on function artery.runner_heartbeat(bigint, jsonb) to artery_runner;
