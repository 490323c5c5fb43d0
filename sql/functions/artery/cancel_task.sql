create or replace function artery.cancel_task(p_task_id bigint, p_reason text default null)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_task record;
begin
    select
        k.status,
        k.ordering_key
    into v_task
    from artery._lock_task(p_task_id) as k;
    if v_task.status not in ('pending', 'failed', 'dead', 'held') then
        raise exception using
            errcode = 'IN006',
            message = format('task %s is %s and cannot be cancelled', p_task_id, v_task.status),
            detail = format('Task %s, status %s.', p_task_id, v_task.status),
            hint = case v_task.status
                when 'processing' then 'It is being sent right now: wait for its end; what was sent needs an undo of its own.'
                else 'It has ended already.'
            end;
    end if;

    update artery.integration_task as t
    set
        status = 'cancelled',
        history = coalesce(t.history, '[]') || jsonb_build_object(
            'at', clock_timestamp(), 'by', session_user, 'action', 'cancel', 'reason', p_reason
        )
    where t.id = p_task_id;

    if v_task.ordering_key is not null then
        perform artery._unblock_next(array[p_task_id]);
    end if;
    perform artery._end_task(p_task_id);
end
$function$;
comment on function artery.cancel_task(bigint, text) is
'Ends a task that is not being sent; the next one of its ordering key may go. Errors: IN005 no '
'such task, IN006 in flight or ended';
grant execute on function artery.cancel_task(bigint, text) to artery_operator;
