create or replace function artery._match_tasks(
    p_function text, p_filter jsonb, p_statuses text[], p_on_hold boolean
)
returns bigint[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_known constant text[] := array[
        'topic', 'endpoint', 'status', 'error_class', 'document_type', 'document_id',
        'created_before', 'created_after', 'limit'
    ];
    v_unknown text;
begin
    -- it locks rows, which a stable function may not
    -- @plpgsql_check_options: performance_warnings = off
    select string_agg(k.name, ', ')
    into v_unknown
    from jsonb_object_keys(p_filter) as k (name)
    where k.name <> all(c_known);
    if
        coalesce(p_filter, '{}') = '{}'
        or v_unknown is not null
        -- a null that some program filled in must not mean all
        or jsonb_strip_nulls(p_filter) <> p_filter
        or p_filter ->> 'status' <> all(p_statuses)
    then
        raise exception using
            errcode = 'IN014',
            message = format('bad filter for %s', p_function),
            detail = format('Filter %s; unknown keys: %s.', coalesce(p_filter, 'null'), coalesce(v_unknown, 'none')),
            hint = format(
                'Give at least one of: %s; none null; status is %s.',
                array_to_string(c_known, ', '), array_to_string(p_statuses, ' or ')
            );
    end if;

    return array(
        select t.id
        from artery.integration_task as t
        inner join artery.endpoint as e on e.id = t.endpoint_id
        where
            t.status = any(p_statuses)
            and (t.due_at = 'infinity') = p_on_hold
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
    );
end
$function$;
comment on function artery._match_tasks(text, jsonb, text[], boolean) is
'Locks the tasks in one of p_statuses, on hold or not, that match {"topic", "endpoint", "status", "error_class", '
'"document_type", "document_id", "created_before", "created_after", "limit"}; gives their ids. Errors: IN014 bad filter';
