/* Moves a saga on as far as it goes without waiting: the next step, or backwards the next undo.
   Whoever calls it has or gets the saga's lock, so that one session at a time moves a saga; the
   others find it moved and stop.

   Order of locks: a report has its tasks first and then wants the saga, people and the sweep have
   the saga first and then want the task. The report cuts the knot: its handlers wait no longer than
   250 ms (artery._run_handler), less than PostgreSQL's deadlock_timeout, and are run again later.

   Reads and writes saga, saga_step_run; writes integration_task. */
create or replace function artery._advance_saga(p_saga_id bigint)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_undo_tries constant integer := 12;
    v_saga record;
    v_status text;
    v_run record;
    v_begun jsonb;
    v_attention jsonb;
begin
    select
        s.name,
        s.key,
        s.context,
        s.status,
        s.attention
    into v_saga
    from artery.saga as s
    where s.id = p_saga_id
    for update;
    v_status := v_saga.status;

    -- a loop over steps: what one began decides whether there is a next
    while v_status in ('running', 'compensating') loop
        select
            r.position,
            r.name,
            r.plan,
            r.status,
            r.task_id,
            r.undo_task_id,
            r.attempts,
            r.due_at,
            r.plan ?| array['undo_topic', 'undo_function'] as has_undo
        into v_run
        from artery.saga_step_run as r
        where
            r.saga_id = p_saga_id
            and r.status <> all(case v_status
                when 'running' then array['done']
                else array['waiting', 'failed', 'compensated', 'kept']
            end)
        order by case v_status when 'running' then r.position else -r.position end
        limit 1;

        if not found then
            v_status := case v_status when 'running' then 'complete' else 'compensated' end;
            perform artery._note_saga(p_saga_id, v_status);

        elsif v_status = 'running' and v_run.status = 'failed' then
            v_status := 'compensating';
            perform artery._note_saga(p_saga_id, v_status);

        elsif v_status = 'running' and v_run.status = 'waiting' then
            update artery.saga_step_run as r
            set
                request_id = i.request_id,
                compensation = jsonb_build_object(
                    'saga', p_saga_id,
                    'name', v_saga.name,
                    'key', v_saga.key,
                    'step', v_run.name,
                    'request_id', i.request_id,
                    'context', v_saga.context,
                    'results', (
                        select coalesce(jsonb_object_agg(d.name, d.result), '{}')
                        from artery.saga_step_run as d
                        where d.saga_id = p_saga_id and d.status = 'done'
                    )
                )
            from artery._new_request_id() as i (request_id)
            where r.saga_id = p_saga_id and r.position = v_run.position;
            v_begun := artery._begin_saga_part(p_saga_id, v_run.position, 'action');
            update artery.saga_step_run as r
            set task_id = (v_begun ->> 'task')::bigint
            where r.saga_id = p_saga_id and r.position = v_run.position;
            perform artery._set_saga_step(
                p_saga_id,
                v_run.position,
                case
                    when v_begun ? 'error' then 'failed'
                    when v_begun ? 'task' then 'running'
                    else 'done'
                end,
                v_begun -> 'error',
                v_begun -> 'result',
                p_due_at => case
                    when v_begun ? 'task'
                        then clock_timestamp() + (v_run.plan ->> 'timeout')::interval
                end
            );

        elsif v_run.status = 'done' and not v_run.has_undo then
            perform artery._set_saga_step(p_saga_id, v_run.position, 'kept');

        elsif v_run.status = 'done'
            or v_run.status = 'compensating' and v_run.undo_task_id is null
            and v_run.due_at <= clock_timestamp() then
            v_begun := artery._begin_saga_part(p_saga_id, v_run.position, 'undo');
            perform artery._compensate_task(v_run.task_id, v_begun ? 'result');
            update artery.saga_step_run as r
            set
                undo_task_id = (v_begun ->> 'task')::bigint,
                attempts = r.attempts + 1
            where r.saga_id = p_saga_id and r.position = v_run.position;
            perform artery._set_saga_step(
                p_saga_id,
                v_run.position,
                case
                    when v_begun ? 'result' then 'compensated'
                    when v_begun ? 'error' and v_run.attempts + 1 >= c_undo_tries then 'stuck'
                    else 'compensating'
                end,
                v_begun -> 'error',
                p_due_at => case
                    when v_begun ? 'error' and v_run.attempts + 1 < c_undo_tries
                        then clock_timestamp() + 2 ^ v_run.attempts * interval '1 second'
                end
            );

        else
            exit;
        end if;
    end loop;

    select jsonb_build_object(
        'step', r.name, 'status', r.status, 'task', coalesce(r.undo_task_id, r.task_id)
    )
    into v_attention
    from artery.saga_step_run as r
    where r.saga_id = p_saga_id and r.status in ('unknown', 'stuck')
    order by r.position
    limit 1;
    update artery.saga as s
    set
        status = v_status,
        attention = v_attention,
        ended_at = case
            when v_status in ('complete', 'compensated') then coalesce(s.ended_at, clock_timestamp())
        end
    where s.id = p_saga_id;

    if v_attention <> coalesce(v_saga.attention, '{}') then
        perform pg_notify('saga_attention', p_saga_id::text);
        raise warning using
            message = format(
                'saga %s (%s) waits for a person: step %s is %s',
                p_saga_id, v_saga.name, v_attention ->> 'step', v_attention ->> 'status'
            ),
            detail = format('Task %s.', coalesce(v_attention ->> 'task', '-')),
            hint = 'See artery.saga_attention and artery.saga_history.';
    end if;
end
$function$;
comment on function artery._advance_saga(bigint) is
'Moves a saga on until it is over or waits for a task, a time or a person; the last is notified on saga_attention';
