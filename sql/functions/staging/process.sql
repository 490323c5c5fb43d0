create or replace function artery_staging.process(p_table text, p_limit integer default null)
returns integer
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging._process(p_table, coalesce(p_limit, 2147483647), 'infinity', null)
$function$;
comment on function artery_staging.process(text, integer) is
'Processes what is due in an inbox now, p_limit rows at most (null = all), in the caller''s transaction; '
'returns how many were looked at. Any number of sessions at once is safe. Errors: IN017 no such inbox';
grant execute on function artery_staging.process(text, integer) to artery_admin;
