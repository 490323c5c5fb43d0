/* For a copy: what waited in production is production's to send. Sagas are stopped first, where
   they are: a step that heard of its task's end would have the saga asked after or undone, by calls
   to the real receivers. Their steps then wait for a person. No reply handler of a route hears of a
   task that is cancelled, so that all go in one statement. */
create or replace function artery._cancel_waiting(p_reason text)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_leased bigint;
    v_until timestamptz;
    v_sagas bigint;
    v_tasks bigint;
begin
    perform artery.expire_leases('infinity');
    select count(*), max(t.locked_until)
    into v_leased, v_until
    from artery.integration_task as t
    where t.status = 'processing';
    if v_leased > 0 then
        raise exception using
            errcode = 'IN062',
            message = format('%s tasks are under lease until %s', v_leased, date_trunc('second', v_until)),
            detail = 'A runner has them, or had them where this was copied from.',
            hint = 'Stop runners of this database, wait until then, and run it again.';
    end if;

    select count(distinct r.saga_id)
    into v_sagas
    from artery.saga_step_run as r
    cross join lateral artery._set_saga_step(
        r.saga_id,
        r.position,
        case when r.status = 'compensating' then 'stuck' else 'unknown' end,
        jsonb_build_object('message', p_reason),
        p_reason => p_reason
    ) as s
    where r.status in ('running', 'querying', 'compensating');

    update artery.integration_task as t
    set
        status = 'cancelled',
        history = coalesce(t.history, '[]') || jsonb_build_object(
            'at', clock_timestamp(), 'by', session_user, 'action', 'cancel', 'reason', p_reason
        )
    where t.status in ('pending', 'failed');
    get diagnostics v_tasks = row_count;
    return jsonb_build_object('cancelled', v_tasks, 'sagas_stopped', v_sagas);
end
$function$;
comment on function artery._cancel_waiting(text) is
'Cancels all tasks that wait and has open sagas wait for a person; returns {"cancelled", "sagas_stopped"}. Errors: IN062 leases '
'still run';
