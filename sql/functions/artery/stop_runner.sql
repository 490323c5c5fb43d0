create or replace function artery.stop_runner(p_runner bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
update artery.runner as r
set
    stopped_at = clock_timestamp(),
    seen_at = clock_timestamp(),
    asleep = false
where r.id = p_runner
$function$;
comment on function artery.stop_runner(bigint) is 'The normal end of a runner: it claims no more';
grant execute on function artery.stop_runner(bigint) to artery_runner;
