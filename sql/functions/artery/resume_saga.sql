create or replace function artery._lock_saga(p_saga_id bigint, p_reason text)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status text;
begin
    select s.status
    into v_status
    from artery.saga as s
    where s.id = p_saga_id
    for update;
    if not found then
        raise exception using
            errcode = 'IN022',
            message = format('there is no saga %s', coalesce(p_saga_id::text, 'null')),
            detail = 'No row of artery.saga has this id.',
            hint = 'Ended sagas are deleted after artery.retention.ended_tasks.';
    end if;
    if coalesce(p_reason, '') = '' then
        raise exception using
            errcode = 'IN014',
            message = 'a reason is needed',
            detail = format('Saga %s.', p_saga_id),
            hint = 'Say in p_reason why: it stands in the saga''s history beside your name.';
    end if;
    return v_status;
end
$function$;
comment on function artery._lock_saga(bigint, text) is
'Locks a saga for a person who gives a reason; gives its status. Errors: IN014, IN022';

/* Tries again what a saga waits for: the query where its step has one, else the same task with the
   same Request-ID, or the undo's function. */
create or replace function artery.resume_saga(p_saga_id bigint, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_run record;
begin
    perform artery._lock_saga(p_saga_id, p_reason);
    select
        r.position,
        r.name,
        r.status,
        r.plan,
        r.error,
        t.id as task_id,
        t.status as task_status
    into v_run
    from artery.saga_step_run as r
    left join artery.integration_task as t
        on t.id = case r.status when 'unknown' then r.task_id else r.undo_task_id end
    where r.saga_id = p_saga_id and r.status in ('unknown', 'stuck')
    order by r.position
    limit 1;

    if v_run.status = 'unknown' and v_run.plan ? 'query_topic' then
        perform artery._query_saga_step(p_saga_id, v_run.position, v_run.error, p_reason);
    elsif v_run.task_status in ('dead', 'held') or v_run.status = 'stuck' and v_run.task_id is null
    then
        update artery.saga_step_run as r
        set attempts = 0
        where r.saga_id = p_saga_id and r.position = v_run.position;
        perform artery._set_saga_step(
            p_saga_id,
            v_run.position,
            case v_run.status when 'unknown' then 'running' else 'compensating' end,
            p_reason => p_reason,
            p_due_at => case
                when v_run.status = 'unknown'
                    then clock_timestamp() + (v_run.plan ->> 'timeout')::interval
                when v_run.task_id is null then clock_timestamp()
            end
        );
        perform artery.retry_task(v_run.task_id, p_reason) where v_run.task_id is not null;
    else
        raise exception using
            errcode = 'IN023',
            message = format('saga %s has nothing to try again', p_saga_id),
            detail = format(
                'Step %s: %s; its task: %s.',
                coalesce(v_run.name, '-'), coalesce(v_run.status, '-'), coalesce(v_run.task_status, '-')
            ),
            hint = 'A step whose task was cancelled needs artery.resolve_saga_step; one whose task '
            'is pending, failed or processing is being tried; else the saga waits for nobody.';
    end if;
    perform artery._advance_saga(p_saga_id);
end
$function$;
comment on function artery.resume_saga(bigint, text) is
'Tries again what a saga waits for: its query, or its task with the same Request-ID. Errors: IN014 no reason, IN022 no such '
'saga, IN023 nothing to try again';
grant execute on function artery.resume_saga(bigint, text) to artery_operator;
