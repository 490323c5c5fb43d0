create or replace function artery.retry_tasks(p_filter jsonb, p_reason text)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_ids constant bigint[] := artery._match_tasks('retry_tasks', p_filter, '{failed,dead,held}', false);
    v_count bigint;
begin
    delete from artery.unhandled_reply as u
    where u.task_id = any(v_ids);

    update artery.integration_task as t
    set
        status = 'pending',
        failures = 0,
        due_at = clock_timestamp(),
        handler_status = null,
        history = coalesce(t.history, '[]') || artery._retry_note(p_reason)
    where t.id = any(v_ids);
    get diagnostics v_count = row_count;
    perform artery._wake() where v_count > 0;
    return v_count;
end
$function$;
comment on function artery.retry_tasks(jsonb, text) is
'Retries all failed, dead and held tasks, but none on hold, that match {"topic", "endpoint", "status", "error_class", '
'"document_type", "document_id", "created_before", "created_after", "limit"}; returns how many. '
'Errors: IN014 bad filter';
grant execute on function artery.retry_tasks(jsonb, text) to artery_operator;
