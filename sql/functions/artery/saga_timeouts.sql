-- The saga is locked. A task that is being sent is looked at again a second later. A query that
-- does not get through is given up: then a person decides
create or replace function artery._stop_saga_step(p_saga_id bigint, p_reason text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_due record;
    v_error constant jsonb := jsonb_build_object('message', p_reason);
begin
    select
        s.status as saga_status,
        r.position,
        r.name,
        r.status as step_status,
        t.id as task_id,
        r.plan ? 'query_topic' as has_query,
        t.status
    into v_due
    from artery.saga_step_run as r
    inner join artery.saga as s on s.id = r.saga_id
    inner join artery.integration_task as t
        on t.id = case r.status when 'running' then r.task_id else r.query_task_id end
    where r.saga_id = p_saga_id and r.status in ('running', 'querying')
    for update of t;

    if v_due.status in ('pending', 'failed') and (
        v_due.has_query
        or v_due.step_status = 'querying'
        or v_due.saga_status = 'compensating'
        or not artery._is_doubtful(v_due.task_id)
    ) then
        perform artery._note_saga(p_saga_id, 'stopped', v_due.name, p_reason);
        perform artery.cancel_task(v_due.task_id, p_reason);
    elsif v_due.status = 'failed' then
        -- it may have taken effect, and nobody can be asked: it is tried on while a person looks
        perform artery._set_saga_step(
            p_saga_id, v_due.position, 'unknown', v_error, p_reason => p_reason
        );
    else
        update artery.saga_step_run as r
        set due_at = clock_timestamp() + interval '1 second'
        where r.saga_id = p_saga_id and r.position = v_due.position;
    end if;
end
$function$;
comment on function artery._stop_saga_step(bigint, text) is
'Gives up the task of a saga''s running step where that is safe; else has it asked after, held or looked at again';

create or replace function artery.saga_timeouts(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint := 0::bigint;
    v_due record;
    v_state text;
    v_message text;
begin
    -- one saga after the other, each in a subtransaction: a step that is a function is the domain's code
    for v_due in
        select
            r.saga_id,
            r.position,
            r.status,
            case s.status
                when 'compensating' then 'the saga is undone'
                else format('not done within %s', r.plan ->> 'timeout')
            end as reason
        from artery.saga_step_run as r
        inner join artery.saga as s on s.id = r.saga_id
        where r.due_at <= clock_timestamp()
        order by r.due_at
        limit 1000
        for update of s skip locked
    loop
        exit when clock_timestamp() >= p_until;
        begin
            if v_due.status in ('running', 'querying') then
                perform artery._stop_saga_step(v_due.saga_id, v_due.reason);
            end if;
            perform artery._advance_saga(v_due.saga_id);
        exception when others or assert_failure then
            get stacked diagnostics v_state = returned_sqlstate, v_message = message_text;
            update artery.saga_step_run as r
            set
                due_at = clock_timestamp() + interval '10 seconds',
                error = jsonb_build_object('sqlstate', v_state, 'message', v_message)
            where r.saga_id = v_due.saga_id and r.position = v_due.position;
        end;
        v_count := v_count + 1;
    end loop;

    -- tasks that were brought to their end by whoever did not say so
    for v_due in
        select t.id
        from artery.saga_step_run as r
        inner join artery.integration_task as t on t.id = case
            when r.status in ('running', 'unknown') then r.task_id
            when r.status = 'querying' then r.query_task_id
            else r.undo_task_id
        end
        where
            r.status in ('running', 'querying', 'unknown', 'compensating', 'stuck')
            and (
                t.status = 'sent'
                or t.status in ('dead', 'held', 'cancelled')
                and r.status not in ('unknown', 'stuck')
            )
            and t.handler_status is distinct from 'failed'
        limit 1000
    loop
        exit when clock_timestamp() >= p_until;
        perform artery._end_task(v_due.id);
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('saga_timeouts', 'artery.saga_timeouts', '1 second', 40)
on conflict (name) do nothing;

comment on function artery.saga_timeouts(timestamptz) is
'Sweep step: stops saga steps past their timeout, tries undos again that could not begin, finds ends that nobody told; '
'returns how many were looked at';
grant execute on function artery.saga_timeouts(timestamptz) to artery_admin;
