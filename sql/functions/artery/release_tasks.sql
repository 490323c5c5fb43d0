create or replace function artery.release_tasks(p_filter jsonb, p_reason text)
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery._release_tasks(artery._match_tasks('release_tasks', p_filter, '{pending,failed}', true), p_reason)
$function$;
comment on function artery.release_tasks(jsonb, text) is
'Lets all tasks go that are on hold and match {"topic", "endpoint", "status", "error_class", "document_type", '
'"document_id", "created_before", "created_after", "limit"}; returns how many. Errors: IN014 bad filter';
grant execute on function artery.release_tasks(jsonb, text) to artery_operator;
