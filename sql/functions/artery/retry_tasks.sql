create or replace function artery.retry_tasks(p_filter jsonb, p_reason text)
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
    if
        coalesce(p_filter, '{}') = '{}'
        or v_unknown is not null
        -- a null that some program filled in must not mean all
        or jsonb_strip_nulls(p_filter) <> p_filter
        or p_filter ->> 'status' not in ('failed', 'dead', 'held')
    then
        raise exception using
            errcode = 'IN014',
            message = 'bad filter for retry_tasks',
            detail = format('Filter %s; unknown keys: %s.', coalesce(p_filter, 'null'), coalesce(v_unknown, 'none')),
            hint = format('Give at least one of: %s; none null; status is failed, dead or held.', array_to_string(c_known, ', '));
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
    ),

    void as (
        delete from artery.unhandled_reply as u
        using chosen as c
        where u.task_id = c.id
    )

    update artery.integration_task as t
    set
        status = 'pending',
        failures = 0,
        due_at = clock_timestamp(),
        handler_status = null,
        history = coalesce(t.history, '[]') || artery._retry_note(p_reason)
    where t.id = any(array(select c.id from chosen as c));
    get diagnostics v_count = row_count;
    perform artery._wake() where v_count > 0;
    return v_count;
end
$function$;
comment on function artery.retry_tasks(jsonb, text) is
'Retries all failed, dead and held tasks that match {"topic", "endpoint", "status", "error_class", '
'"document_type", "document_id", "created_before", "created_after", "limit"}; returns how many. '
'Errors: IN014 bad filter';
grant execute on function artery.retry_tasks(jsonb, text) to artery_operator;
