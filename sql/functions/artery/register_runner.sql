create or replace function artery.register_runner(
    p_name text, p_host text, p_pid integer, p_version text
)
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
insert into artery.runner (name, host, pid, version)
values (p_name, p_host, p_pid, p_version)
returning id
$function$;
comment on function artery.register_runner(text, text, integer, text) is
'Announces a runner process; returns the id that its claims and reports carry. One registration a '
'start';
grant execute on function artery.register_runner(text, text, integer, text) to artery_runner;
