-- What report_results does for tasks that get an answer, for those that end without one: by a lost
-- lease, by hand
create or replace function artery._end_task(p_task_id bigint, p_body jsonb default null)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_task record;
begin
    select
        t.request_id,
        t.topic,
        t.document_type,
        t.document_id,
        t.status,
        t.attempt,
        t.status_code,
        t.error,
        artery._reply_handler(t.status, t.compensation, r.reply_handler) as handler
    into v_task
    from artery.integration_task as t
    left join artery.route as r on r.topic = t.topic
    where t.id = p_task_id;
    if v_task.handler is null then
        return;
    end if;
    -- said first, since a handler that fails says otherwise
    update artery.integration_task as t
    set handler_status = 'done'
    where t.id = p_task_id;
    perform artery._run_handler(p_task_id, v_task.handler, jsonb_build_object(
        'task_id', p_task_id,
        'request_id', v_task.request_id,
        'topic', v_task.topic,
        'document_type', v_task.document_type,
        'document_id', v_task.document_id,
        'outcome', v_task.status,
        'attempt', v_task.attempt,
        'status_code', v_task.status_code,
        'body', p_body,
        'error', v_task.error
    ));
end
$function$;
comment on function artery._end_task(bigint, jsonb) is
'Hands the end of a task that came without a report to its reply handler';
