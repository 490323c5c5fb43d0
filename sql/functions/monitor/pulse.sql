-- Definer: it counts tables that not every reader may see, and tells only that something moved
create or replace function artery_monitor.pulse()
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select concat_ws(
    ' ',
    sum(s.n_tup_ins), sum(s.n_tup_upd), sum(s.n_tup_del)
)
from pg_catalog.pg_stat_all_tables as s
where
    s.schemaname in ('artery', 'artery_staging')
    -- a heartbeat and a sweep that found nothing are no news
    and s.relname not in ('runner', 'sweep_step')
$function$;
comment on function artery_monitor.pulse() is
'A text that changes when something happened to tasks, calls, endpoints, sagas or messages; costs no look at them';
grant execute on function artery_monitor.pulse() to artery_reader;
