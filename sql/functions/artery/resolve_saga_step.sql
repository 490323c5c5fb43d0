/* A person found out what no query could: whether a step, or its undo, took effect.
   Step unknown: done = it did (p_result becomes its result), not_done = so the saga is undone.
   Undo stuck: done = it was undone by hand, not_done = it stays as it is and is accepted so. */
create or replace function artery.resolve_saga_step(
    p_saga_id bigint, p_step text, p_outcome text, p_reason text, p_result jsonb default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_run record;
    v_task record;
    v_status text;
begin
    perform artery._lock_saga(p_saga_id, p_reason);
    if p_outcome is null or p_outcome not in ('done', 'not_done') then
        raise exception using
            errcode = 'IN014',
            message = format('bad outcome %L', p_outcome),
            detail = format('Saga %s, step %L.', p_saga_id, p_step),
            hint = 'Say done if it took effect at the receiver, not_done if it did not.';
    end if;
    select
        r.position,
        r.status,
        r.task_id,
        case r.status when 'unknown' then r.task_id else r.undo_task_id end as open_task_id
    into v_run
    from artery.saga_step_run as r
    where r.saga_id = p_saga_id and r.name = p_step;
    if not found then
        raise exception using
            errcode = 'IN022',
            message = format('saga %s has no step %L', p_saga_id, p_step),
            detail = 'No row of artery.saga_step_run fits.',
            hint = 'See artery.saga_history.';
    end if;
    select
        t.id,
        t.status
    into v_task
    from artery.integration_task as t
    where t.id = v_run.open_task_id
    for update;

    if v_run.status not in ('unknown', 'stuck') or v_task.status = 'processing' then
        raise exception using
            errcode = 'IN023',
            message = format('step %L of saga %s cannot be resolved now', p_step, p_saga_id),
            detail = format(
                'The step is %s, its task %s.', v_run.status, coalesce(v_task.status, '-')
            ),
            hint = case v_task.status
                when 'processing' then 'Its task is being sent right now: wait for its end.'
                else 'Only a step that is unknown or stuck waits for a person.'
            end;
    end if;

    v_status := case
        when v_run.status = 'stuck' and p_outcome = 'done' then 'compensated'
        when v_run.status = 'stuck' then 'kept'
        when p_outcome = 'done' then 'done'
        else 'failed'
    end;
    perform artery._set_saga_step(
        p_saga_id, v_run.position, v_status, p_result => p_result, p_reason => p_reason
    );

    -- the step is decided: the end of its task moves it no more, but the domain's handler hears it
    if v_task.status = 'held' then
        update artery.integration_task as t
        set
            status = case p_outcome when 'done' then 'sent' else 'dead' end,
            history = coalesce(t.history, '[]') || jsonb_build_object(
                'at', clock_timestamp(),
                'by', session_user,
                'action', 'resolve',
                'reason', p_reason
            )
        where t.id = v_task.id;
        perform artery._end_task(v_task.id, p_result);
    elsif v_task.status in ('pending', 'failed')
        or v_run.status = 'stuck' and v_task.status = 'dead' then
        perform artery.cancel_task(v_task.id, p_reason);
    end if;
    if v_status = 'kept' then
        update artery.integration_task as t
        set status = 'sent'
        where t.id = v_run.task_id and t.status = 'compensating';
    elsif v_status in ('failed', 'compensated') then
        perform artery._compensate_task(t.id, true)
        from artery.integration_task as t
        where t.id = v_run.task_id and t.handler_status is distinct from 'failed';
    end if;
    perform artery._advance_saga(p_saga_id);
end
$function$;
comment on function artery.resolve_saga_step(bigint, text, text, text, jsonb) is
'Decides a step that is unknown or stuck, by a person''s word: done or not_done. Errors: IN014 bad argument, IN022 no such '
'saga or step, IN023 not waiting for a person, or being sent';
grant execute on function artery.resolve_saga_step(bigint, text, text, text, jsonb)
to artery_operator;
