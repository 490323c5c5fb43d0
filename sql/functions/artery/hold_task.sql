/* A task on hold is pending or failed, and due at infinity: no claim sees it and no runner wakes
   for it, while all that looks at its status finds it waiting, as it is. It holds back its
   ordering key. Its history keeps when it was due, by whom it was put on hold and why. */
create or replace function artery._hold_tasks(p_ids bigint[], p_reason text)
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint;
begin
    if coalesce(p_reason, '') = '' then
        raise exception using
            errcode = 'IN014',
            message = 'a task is put on hold for a reason',
            detail = 'p_reason is null or empty.',
            hint = 'Whoever finds it on hold wants to know why: say so in p_reason.';
    end if;
    update artery.integration_task as t
    set
        due_at = 'infinity',
        history = coalesce(t.history, '[]') || jsonb_build_object(
            'at', clock_timestamp(), 'by', session_user, 'action', 'hold', 'reason', p_reason, 'due_at', t.due_at
        )
    where t.id = any(p_ids);
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;
comment on function artery._hold_tasks(bigint[], text) is
'Puts tasks on hold that wait and are locked; returns how many. Errors: IN014 no reason';

create or replace function artery.hold_task(p_task_id bigint, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status constant text := (select k.status from artery._lock_task(p_task_id) as k);
    v_on_hold constant boolean := (
        select t.due_at = 'infinity' from artery.integration_task as t where t.id = p_task_id
    );
begin
    if v_status not in ('pending', 'failed') or v_on_hold then
        raise exception using
            errcode = 'IN006',
            message = format(
                'task %s is %s and cannot be put on hold', p_task_id, case when v_on_hold then 'on hold' else v_status end
            ),
            detail = format('Task %s, status %s.', p_task_id, v_status),
            hint = case
                when v_on_hold then 'Its history tells since when, by whom and why; artery.release_task lets it go.'
                when v_status = 'processing'
                    then 'It is being sent right now: wait for its end. artery.open_breaker stops all calls to its endpoint.'
                when v_status in ('dead', 'held') then 'It goes nowhere by itself: artery.retry_task alone sends it again.'
                else 'It has ended.'
            end;
    end if;
    perform artery._hold_tasks(array[p_task_id], p_reason);
end
$function$;
comment on function artery.hold_task(bigint, text) is
'Puts a task on hold that waits to be sent: it goes only after artery.release_task; the later ones of its ordering key wait. '
'Errors: IN005 no such task, IN006 not waiting, or on hold already, IN014 no reason';
grant execute on function artery.hold_task(bigint, text) to artery_operator;
