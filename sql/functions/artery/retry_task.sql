create or replace function artery._retry_note(p_reason text)
returns jsonb
language sql
volatile
set search_path = ''
as $function$
select jsonb_build_object('at', clock_timestamp(), 'by', session_user, 'action', 'retry', 'reason', p_reason)
$function$;
comment on function artery._retry_note(text) is 'What a task''s history keeps of a retry by hand';

create or replace function artery.retry_task(p_task_id bigint, p_reason text default null)
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
    v_status text;
begin
    select t.status
    into v_status
    from artery.integration_task as t
    where t.id = p_task_id
    for update;
    if not found then
        raise exception using
            errcode = 'IN005',
            message = format('there is no task %s', p_task_id),
            detail = 'No row of artery.integration_task has this id.',
            hint = 'Ended tasks are deleted after artery.retention.ended_tasks.';
    end if;
    if v_status not in ('failed', 'dead', 'held') then
        raise exception using
            errcode = 'IN006',
            message = format('task %s is %s: only failed, dead and held tasks can be retried', p_task_id, v_status),
            detail = format('Task %s, status %s.', p_task_id, v_status),
            hint = case v_status
                when 'processing' then 'It is under way: wait for its end, or for its lease to run out.'
                when 'sent' then 'It was delivered. To send once more, enqueue a new task with a new Request-ID.'
                when 'pending' then 'It is waiting for its first attempt already.'
                else 'A cancelled or compensated task has ended; enqueue a new one.'
            end;
    end if;

    update artery.integration_task as t
    set
        status = 'pending',
        failures = 0,
        due_at = clock_timestamp(),
        history = coalesce(t.history, '[]') || artery._retry_note(p_reason)
    where t.id = p_task_id;
end
$function$;
comment on function artery.retry_task(bigint, text) is
'Makes a failed, dead or held task due now, with all its attempts anew and the same Request-ID. Errors: IN005, IN006';
grant execute on function artery.retry_task(bigint, text) to artery_operator;

create or replace function artery.retry_task(p_filter jsonb, p_reason text)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
    c_known constant text[] := array[
        'topic', 'endpoint', 'status', 'error_class', 'document_type', 'document_id',
        'created_before', 'created_after', 'limit'
    ];
    v_unknown text;
    v_count bigint;
begin
    select string_agg(k.name, ', ')
    into v_unknown
    from jsonb_object_keys(p_filter) as k (name)
    where k.name <> all(c_known);
    if v_unknown is not null or p_filter = '{}' or p_filter ->> 'status' not in ('failed', 'dead', 'held') then
        raise exception using
            errcode = 'IN014',
            message = 'bad filter for retry_task',
            detail = format('Filter %s; unknown keys: %s.', p_filter, coalesce(v_unknown, 'none')),
            hint = format('Give at least one of: %s; status is failed, dead or held.', array_to_string(c_known, ', '));
    end if;

    with chosen as materialized (
        select t.id
        from artery.integration_task as t
        inner join artery.endpoint as e on e.id = t.endpoint_id
        where
            t.status in ('failed', 'dead', 'held')
            and t.status = coalesce(p_filter ->> 'status', t.status)
            and t.topic = coalesce(p_filter ->> 'topic', t.topic)
            and e.name = coalesce(p_filter ->> 'endpoint', e.name)
            and (p_filter ->> 'error_class' is null or t.error_class = p_filter ->> 'error_class')
            and (p_filter ->> 'document_type' is null or t.document_type = p_filter ->> 'document_type')
            and (p_filter ->> 'document_id' is null or t.document_id = p_filter ->> 'document_id')
            and t.created_at < coalesce((p_filter ->> 'created_before')::timestamptz, 'infinity')
            and t.created_at >= coalesce((p_filter ->> 'created_after')::timestamptz, '-infinity')
        order by t.id
        limit (p_filter ->> 'limit')::bigint
        for update of t
    )

    update artery.integration_task as t
    set
        status = 'pending',
        failures = 0,
        due_at = clock_timestamp(),
        history = coalesce(t.history, '[]') || artery._retry_note(p_reason)
    from chosen as c
    where t.id = c.id;
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;
comment on function artery.retry_task(jsonb, text) is
'Retries all failed, dead and held tasks that match {"topic", "endpoint", "status", "error_class", "document_type", '
'"document_id", "created_before", "created_after", "limit"}; returns how many. Errors: IN014 bad filter';
grant execute on function artery.retry_task(jsonb, text) to artery_operator;
