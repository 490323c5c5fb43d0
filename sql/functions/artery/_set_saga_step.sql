-- The caller has the saga locked
create or replace function artery._note_saga(
    p_saga bigint,
    p_event text,
    p_step text default null,
    p_reason text default null,
    p_error jsonb default null
)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
update artery.saga as s
set history = s.history || jsonb_strip_nulls(jsonb_build_object(
    'at', clock_timestamp(),
    'who', session_user,
    'event', p_event,
    'step', p_step,
    'reason', p_reason,
    'error', p_error
))
where s.id = p_saga
$function$;
comment on function artery._note_saga(bigint, text, text, text, jsonb) is 'Appends one event to a saga''s history';

create or replace function artery._set_saga_step(
    p_saga bigint,
    p_position smallint,
    p_status text,
    p_error jsonb default null,
    p_result jsonb default null,
    p_reason text default null,
    p_due_at timestamptz default null
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_name text;
begin
    update artery.saga_step_run as r
    set
        status = p_status,
        error = p_error,
        result = coalesce(p_result, r.result),
        due_at = p_due_at
    where r.saga_id = p_saga and r.position = p_position
    returning r.name into v_name;
    perform artery._note_saga(p_saga, p_status, v_name, p_reason, p_error);
end
$function$;
comment on function artery._set_saga_step(bigint, smallint, text, jsonb, jsonb, text, timestamptz) is
'Gives a step of a saga its new status, and the saga''s history an event of the same name';

/* A step that certainly had no effect may be passed over when its saga is undone; any other is
   asked after or held. An attempt that may have reached the receiver's business code leaves a doubt
   that no later refusal takes away: a 409 may be its word that it has the request already. Only its
   word, when asked what became of the request, that it never saw it or refused it for good does. */
create or replace function artery._is_doubtful(p_task_id bigint)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_array_length(t.history) >= 50 or exists (
    select from jsonb_to_recordset(t.history) as h (
        attempt integer, error_class text, status_code integer
    )
    where
        h.attempt > coalesce((
            select max((a.value ->> 'attempt')::integer)
            from jsonb_array_elements(t.history) as a
            where
                a.value ->> 'error_class' = 'absent'
                or a.value ? 'asked' and a.value ->> 'error_class' = 'refused'
                and a.value ->> 'status' = 'dead'
        ), 0)
        and coalesce(h.error_class, '') not in (
            'own_fault', 'unreachable', 'refused', 'redirect', 'bad_request'
        )
        and not (
            h.error_class = 'retryable' and h.status_code in (408, 425, 429, 501, 503, 505)
        )
)
from artery.integration_task as t
where t.id = p_task_id
$function$;
comment on function artery._is_doubtful(bigint) is
'Whether some attempt of a task may have had an effect at the receiver, in spite of how it ended';

-- An ended task is brought to where nobody can send it again
create or replace function artery._compensate_task(p_task_id bigint, p_over boolean)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
update artery.integration_task as t
set status = 'compensating'
where t.id = p_task_id and t.status in ('sent', 'dead', 'held');

update artery.integration_task as t
set status = 'compensated'
where p_over and t.id = p_task_id and t.status = 'compensating';
$function$;
comment on function artery._compensate_task(bigint, boolean) is
'Marks the task of a step whose undo begins (compensating) or is over (compensated)';
