-- Inlined into its callers: hence no search_path
create or replace function artery._request_hash(
    p_topic text, p_method text, p_path text, p_body text
)
returns bytea
language sql
stable
parallel safe
as $function$
select sha256(convert_to(concat_ws(E'\n', p_topic, p_method, p_path, p_body), 'UTF8'))
$function$;
comment on function artery._request_hash(text, text, text, text) is
'SHA-256 by which a repeated Request-ID is told from a reused one';

/* Why enqueue_task wrote no row, apart from it so that what goes well stays short: raises, or gives
   the id of the first task of the same Request-ID and request. */
create or replace function artery._explain_refusal(
    p_topic text, p_body text, p_request_id uuid, p_document_type text, p_document_id text,
    p_ordering_key text, p_due_at timestamptz, p_priority smallint, p_path_params jsonb
)
returns bigint
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_route record;
    v_first record;
    v_longest integer := greatest(
        octet_length(p_document_type), octet_length(p_document_id), octet_length(p_ordering_key)
    );
begin
    select
        r.method,
        r.path_template,
        e.name as endpoint,
        e.max_request_bytes
    into v_route
    from artery.route as r
    inner join artery.endpoint as e on e.id = r.endpoint_id
    where r.topic = p_topic;
    if not found then
        raise exception using
            errcode = 'IN001',
            message = format('unknown topic %L', p_topic),
            detail = format('No row of artery.route has the topic %L.', p_topic),
            hint = 'Add the route first: '
                'insert into artery.route (topic, endpoint_id, path_template) ...';
    end if;

    if octet_length(p_body) > v_route.max_request_bytes then
        raise exception using
            errcode = 'IN002',
            message = format(
                'payload of %s bytes is over the limit of %s',
                octet_length(p_body), v_route.max_request_bytes
            ),
            detail = format(
                'Topic %L, endpoint %L, document %s.',
                p_topic, v_route.endpoint, coalesce(p_document_id, '-')
            ),
            hint = 'Send less, or raise max_request_bytes of the endpoint if its receiver takes more.';
    end if;

    if p_priority not between 0 and 9 or p_due_at = 'infinity' or v_longest > 500 then
        raise exception using
            errcode = 'IN014',
            message = 'priority, due time, document or ordering key out of bounds',
            detail = format(
                'Topic %L, priority %s, due %s; document type %s, id %s, ordering key %s bytes.',
                p_topic, p_priority, p_due_at, octet_length(p_document_type),
                octet_length(p_document_id), octet_length(p_ordering_key)
            ),
            hint = 'Priority 0 to 9, null for the route''s own; a due time that comes; '
                'at most 500 bytes each.';
    end if;

    select
        t.id,
        t.request_hash,
        t.topic,
        t.document_id
    into v_first
    from artery.integration_task as t
    where t.request_id = p_request_id;
    if v_first.request_hash is distinct from artery._request_hash(
        p_topic, v_route.method, artery._fill_path(v_route.path_template, p_path_params), p_body
    ) then
        raise exception using
            errcode = 'IN003',
            message = format('Request-ID %s was used before with another request', p_request_id),
            detail = format(
                'First: task %s, topic %L, document %s. Now: topic %L, document %s.',
                v_first.id, v_first.topic, coalesce(v_first.document_id, '-'),
                p_topic, coalesce(p_document_id, '-')
            ),
            hint = 'A changed request is a new request: give it a Request-ID of its own.';
    end if;
    return v_first.id;
end
$function$;
comment on function artery._explain_refusal(
    text, text, uuid, text, text, text, timestamptz, smallint, jsonb
) is
'Raises what enqueue_task has against a request, or returns the task that it repeats';
