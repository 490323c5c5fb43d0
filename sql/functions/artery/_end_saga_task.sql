/* The reply handler of every task of a saga, in place of its route's, which it calls first: later
   steps may read what that one wrote. Both or neither: where one fails, artery._run_handler keeps
   the answer and both run again. A reply that its task has left behind (retried by a person in
   between, say) changes nothing. */
create or replace function artery._end_saga_task(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_id constant bigint := (p_reply ->> 'task_id')::bigint;
    v_outcome constant text := p_reply ->> 'outcome';
    v_error jsonb := coalesce(nullif(p_reply -> 'error', 'null'), '{}')
        || jsonb_build_object(
            'task', v_id, 'outcome', v_outcome, 'status_code', p_reply -> 'status_code'
        );
    v_task record;
    v_run record;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- a handler's name was resolved to a function when it was registered
    select
        t.status,
        t.compensation ->> 'part' as part,
        (t.compensation ->> 'saga')::bigint as saga_id,
        (t.compensation ->> 'position')::smallint as position,
        r.reply_handler
    into v_task
    from artery.integration_task as t
    left join artery.route as r on r.topic = t.topic
    where t.id = v_id;
    if v_task.status is distinct from v_outcome then
        return;
    end if;
    if v_task.reply_handler is not null and v_outcome in ('sent', 'dead') then
        execute format('select %s($1)', split_part(v_task.reply_handler, '(', 1))
        using p_reply;
    end if;

    perform from artery.saga as s
    where s.id = v_task.saga_id
    for update;
    select
        r.saga_id,
        r.position,
        r.status,
        r.task_id,
        r.query_task_id,
        r.undo_task_id
    into v_run
    from artery.saga_step_run as r
    where r.saga_id = v_task.saga_id and r.position = v_task.position;

    if v_task.part = 'action' and v_run.task_id = v_id
        and v_run.status in ('running', 'unknown') then
        if v_outcome = 'sent' then
            perform artery._set_saga_step(
                v_run.saga_id, v_run.position, 'done', p_result => p_reply -> 'body'
            );
        elsif artery._is_doubtful(v_id) then
            perform artery._query_saga_step(v_run.saga_id, v_run.position, v_error);
        else
            perform artery._fail_saga_step(v_run.saga_id, v_run.position, v_error);
        end if;
    elsif v_task.part = 'query' and v_run.query_task_id = v_id
        and v_run.status = 'querying' then
        if v_outcome = 'sent' then
            perform artery._set_saga_step(
                v_run.saga_id, v_run.position, 'done', p_result => p_reply -> 'body'
            );
        elsif v_outcome = 'dead' and (p_reply ->> 'status_code')::integer in (404, 410) then
            perform artery._fail_saga_step(v_run.saga_id, v_run.position, v_error);
        else
            perform artery._set_saga_step(v_run.saga_id, v_run.position, 'unknown', v_error);
        end if;
    elsif v_task.part = 'undo' and v_run.undo_task_id = v_id
        and v_run.status in ('compensating', 'stuck') then
        perform artery._set_saga_step(
            v_run.saga_id,
            v_run.position,
            case v_outcome when 'sent' then 'compensated' else 'stuck' end,
            case when v_outcome <> 'sent' then v_error end
        );
        perform artery._compensate_task(v_run.task_id, v_outcome = 'sent');
    else
        return;
    end if;
    perform artery._advance_saga(v_run.saga_id);
end
$function$;
comment on function artery._end_saga_task(jsonb) is
'Takes the end of a saga''s task: runs the route''s own reply handler, gives the step its status, moves the saga on';

create or replace function artery._fail_saga_step(
    p_saga bigint, p_position smallint, p_error jsonb, p_reason text default null
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform
        artery._set_saga_step(p_saga, p_position, 'failed', p_error, p_reason => p_reason),
        artery._compensate_task(r.task_id, true)
    from artery.saga_step_run as r
    where r.saga_id = p_saga and r.position = p_position;
end
$function$;
comment on function artery._fail_saga_step(bigint, smallint, jsonb, text) is
'Ends a step that surely had no effect; its task cannot be sent again';

-- Asked only when what a runner without a lease may still be sending has arrived, or never will
create or replace function artery._query_saga_step(
    p_saga_id bigint, p_position smallint, p_error jsonb, p_reason text default null
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_timeout constant interval := interval '10 minutes';
    v_settled_at timestamptz;
    v_until timestamptz;
    v_begun jsonb;
begin
    select
        clock_timestamp() + e.total_timeout,
        clock_timestamp() + e.total_timeout
        + coalesce((r.plan ->> 'timeout')::interval, c_timeout)
    into v_settled_at, v_until
    from artery.saga_step_run as r
    inner join artery.integration_task as t on t.id = r.task_id
    inner join artery.endpoint as e on e.id = t.endpoint_id
    where r.saga_id = p_saga_id and r.position = p_position and r.plan ? 'query_topic';
    if found then
        v_begun := artery._begin_saga_part(p_saga_id, p_position, 'query', v_settled_at);
        update artery.saga_step_run as r
        set query_task_id = (v_begun ->> 'task')::bigint
        where r.saga_id = p_saga_id and r.position = p_position;
    end if;
    perform artery._set_saga_step(
        p_saga_id,
        p_position,
        case when v_begun ? 'task' then 'querying' else 'unknown' end,
        coalesce(v_begun -> 'error', p_error),
        p_reason => p_reason,
        p_due_at => case when v_begun ? 'task' then v_until end
    );
end
$function$;
comment on function artery._query_saga_step(bigint, smallint, jsonb, text) is
'Asks the receiver whether a step of unknown outcome took effect, or has it wait for a person';
