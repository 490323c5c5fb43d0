create or replace function artery.hold_tasks(p_filter jsonb, p_reason text)
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery._hold_tasks(artery._match_tasks('hold_tasks', p_filter, '{pending,failed}', false), p_reason)
$function$;
comment on function artery.hold_tasks(jsonb, text) is
'Puts all tasks on hold that wait to be sent and match {"topic", "endpoint", "status", "error_class", '
'"document_type", "document_id", "created_before", "created_after", "limit"}; returns how many. Those enqueued later go: '
'artery.open_breaker stops an endpoint. Errors: IN014 bad filter, no reason';
grant execute on function artery.hold_tasks(jsonb, text) to artery_operator;
