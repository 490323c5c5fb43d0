create or replace function artery._retry_note(p_reason text)
returns jsonb
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_build_object('at', clock_timestamp(), 'by', session_user, 'action', 'retry', 'reason', p_reason)
$function$;
comment on function artery._retry_note(text) is 'What a task''s history keeps of a retry by hand';

create or replace function artery.retry_task(p_task_id bigint, p_reason text default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status text;
    v_on_hold boolean;
begin
    select k.status
    into v_status
    from artery._lock_task(p_task_id) as k;
    v_on_hold := (select t.due_at = 'infinity' from artery.integration_task as t where t.id = p_task_id);
    if v_status not in ('failed', 'dead', 'held') or v_on_hold then
        raise exception using
            errcode = 'IN006',
            message = format(
                'task %s is %s: only failed, dead and held tasks can be retried', p_task_id,
                case when v_on_hold then 'on hold' else v_status end
            ),
            detail = format('Task %s, status %s.', p_task_id, v_status),
            hint = case
                when v_on_hold then 'Its history tells by whom and why; artery.release_task lets it go.'
                when v_status = 'processing' then 'It is under way: wait for its end, or for its lease to run out.'
                when v_status = 'sent' then 'It was delivered. To send once more, enqueue a new task with a new Request-ID.'
                when v_status = 'pending' then 'It is waiting for its first attempt already.'
                else 'A cancelled or compensated task has ended; enqueue a new one.'
            end;
    end if;

    update artery.integration_task as t
    set
        status = 'pending',
        failures = 0,
        due_at = clock_timestamp(),
        handler_status = null,
        history = coalesce(t.history, '[]') || artery._retry_note(p_reason)
    where t.id = p_task_id;
    -- what its handler was still to hear of the old end is void
    delete from artery.unhandled_reply as u
    where u.task_id = p_task_id;
    perform artery._wake();
end
$function$;
comment on function artery.retry_task(bigint, text) is
'Makes a failed, dead or held task due now, with all its attempts anew and the same Request-ID. One '
'whose outcome is asked for is asked for now. '
'Errors: IN005, IN006 in another status, or on hold';
grant execute on function artery.retry_task(bigint, text) to artery_operator;
