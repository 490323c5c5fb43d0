/* Turns a saga round. What has not been sent is given up; what is under way is waited for and then
   undone. A step of unknown outcome stays in the way until it is known: nothing is undone blindly,
   and nothing before it out of order. */
create or replace function artery.compensate_saga(p_saga_id bigint, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status text;
begin
    v_status := artery._lock_saga(p_saga_id, p_reason);
    if v_status not in ('running', 'complete') then
        raise exception using
            errcode = 'IN023',
            message = format('saga %s is %s already', p_saga_id, v_status),
            detail = 'It is undone once.',
            hint = 'If an undo of it is stuck (artery.saga_attention): artery.resume_saga tries it '
            'again, artery.resolve_saga_step says that it was done by hand.';
    end if;
    update artery.saga as s
    set
        status = 'compensating',
        ended_at = null
    where s.id = p_saga_id;
    perform artery._note_saga(p_saga_id, 'compensating', p_reason => p_reason);
    perform artery._stop_saga_step(p_saga_id, p_reason)
    where exists (
        select from artery.saga_step_run as r
        where r.saga_id = p_saga_id and r.status = 'running'
    );
    perform artery._advance_saga(p_saga_id);
end
$function$;
comment on function artery.compensate_saga(bigint, text) is
'Undoes a running or complete saga, in reverse order. Errors: IN014 no reason, IN022 no such saga, IN023 undone already';
grant execute on function artery.compensate_saga(bigint, text) to artery_operator;
