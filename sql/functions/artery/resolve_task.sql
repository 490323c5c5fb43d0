/* What a person does with a held task. It took effect: sent; the reply handler gets p_answer. It
   did not and shall not: dead. Ask the receiver once more: ask. To send it again: retry_task. */
create or replace function artery.resolve_task(
    p_task_id bigint, p_outcome text, p_reason text, p_answer jsonb default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_task record;
    v_inquiry jsonb;
begin
    select
        k.status,
        k.ordering_key
    into v_task
    from artery._lock_task(p_task_id) as k;
    if v_task.status <> 'held' then
        raise exception using
            errcode = 'IN006',
            message = format('task %s is %s: only held tasks are resolved', p_task_id, v_task.status),
            detail = format('Task %s, status %s.', p_task_id, v_task.status),
            hint = 'Wait for its end, or use artery.retry_task or artery.cancel_task.';
    end if;
    if p_outcome = 'ask' then
        select artery._begin_inquiry(
            'in_doubt', t.topic, t.id, t.request_id, t.document_id, null, null, clock_timestamp()
        )
        into v_inquiry
        from artery.integration_task as t
        where t.id = p_task_id;
    end if;
    if coalesce(p_reason, '') = ''
        or coalesce(p_outcome not in ('sent', 'dead', 'ask'), true)
        or p_outcome = 'ask' and v_inquiry is null
    then
        raise exception using
            errcode = 'IN014',
            message = format('task %s: bad outcome, or no reason', p_task_id),
            detail = format('Outcome %L, reason %L.', p_outcome, p_reason),
            hint = 'Outcome sent, dead, or ask where its route has a status_path_template; and say why.';
    end if;

    update artery.integration_task as t
    set
        status = case p_outcome when 'ask' then 'pending' else p_outcome end,
        due_at = clock_timestamp(),
        inquiry = v_inquiry,
        history = coalesce(t.history, '[]') || jsonb_build_object(
            'at', clock_timestamp(),
            'by', session_user,
            'action', 'resolve',
            'outcome', p_outcome,
            'reason', p_reason
        )
    where t.id = p_task_id;
    if p_outcome = 'ask' then
        perform artery._wake();
        return;
    end if;
    if p_outcome = 'sent' and v_task.ordering_key is not null then
        perform artery._unblock_next(array[p_task_id]);
    end if;
    perform artery._end_task(p_task_id, p_answer);
end
$function$;
comment on function artery.resolve_task(bigint, text, text, jsonb) is
'Ends a held task as a person found out: sent or dead; or has its receiver asked again: ask. Errors: '
'IN005 no such task, IN006 not held, IN014 bad outcome, no reason, nowhere to ask';
grant execute on function artery.resolve_task(bigint, text, text, jsonb) to artery_operator;
