-- RFC 3986: everything but unreserved characters, byte by byte
create or replace function artery._percent_encode(p_text text)
returns text
language sql
immutable
strict
parallel safe
set search_path = ''
as $function$
select coalesce(string_agg(
    case
        when chr(b.byte) ~ '[A-Za-z0-9._~-]' and b.byte < 128 then chr(b.byte)
        else '%' || upper(lpad(to_hex(b.byte), 2, '0'))
    end,
    '' order by b.position
), '')
from (
    select
        i.position,
        get_byte(convert_to(p_text, 'UTF8'), i.position) as byte
    from generate_series(0, octet_length(convert_to(p_text, 'UTF8')) - 1) as i (position)
) as b
$function$;
comment on function artery._percent_encode(text) is
'Percent-encodes a text for one segment or parameter of a URL';

create or replace function artery._fill_path(p_template text, p_params jsonb)
returns text
language plpgsql
stable
parallel safe
set search_path = ''
as $function$
declare
    v_path text := p_template;
    v_name text;
begin
    for v_name in select m.found[1] from regexp_matches(p_template, '\{([a-z0-9_]+)\}', 'g') as m (found) loop
        if coalesce(p_params ->> v_name, '') = '' then
            raise exception using
                errcode = 'IN010',
                message = format('path parameter %L is missing', v_name),
                detail = format('Template %s, parameters %s.', p_template, coalesce(p_params, '{}')),
                hint = 'Give every {name} of the route''s path_template in p_path_params, none of them empty.';
        end if;
        v_path := replace(v_path, '{' || v_name || '}', artery._percent_encode(p_params ->> v_name));
    end loop;
    if v_path ~ '/\.{1,2}([/?]|$)' then
        raise exception using
            errcode = 'IN010',
            message = 'a path parameter must not be . or ..',
            detail = format('Template %s gave %s.', p_template, v_path),
            hint = 'The receiver would take it for a step up in the path, and answer for another address.';
    end if;
    return v_path;
end
$function$;
comment on function artery._fill_path(text, jsonb) is
'A route''s path template with its {names} filled, percent-encoded';

/* Writes the outbox row in the caller's transaction: committed with the business change or not at
   all. Reads route, endpoint, lane; writes integration_task and, once per endpoint and priority,
   lane. */
create or replace function artery.enqueue_task(
    p_topic text,
    p_body jsonb default null,
    p_request_id uuid default null,
    p_document_type text default null,
    p_document_id text default null,
    p_ordering_key text default null,
    p_due_at timestamptz default null,
    p_priority smallint default null,
    p_path_params jsonb default null,
    p_headers jsonb default null,
    p_compensation jsonb default null,
    p_raw_body text default null
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = ''
as $function$
declare
    v_route record;
    v_body text := coalesce(p_raw_body, p_body::text);
    v_path text;
    v_hash bytea;
    v_id bigint;
    v_queued boolean := false;
    v_first record;
begin
    select
        r.method,
        r.path_template,
        r.content_type,
        r.notify_channel,
        e.id as endpoint_id,
        e.name as endpoint,
        e.max_attempts,
        e.max_request_bytes,
        coalesce(p_priority, r.priority) as priority,
        r.notify and r.notify_channel is not null as notifies,
        l.endpoint_id is null as new_lane
    into v_route
    from artery.route as r
    inner join artery.endpoint as e on e.id = r.endpoint_id
    left join artery.lane as l on l.endpoint_id = e.id and l.priority = coalesce(p_priority, r.priority)
    where r.topic = p_topic;
    if not found then
        raise exception using
            errcode = 'IN001',
            message = format('unknown topic %L', p_topic),
            detail = format('No row of artery.route has the topic %L.', p_topic),
            hint = 'Add the route first: insert into artery.route (topic, endpoint_id, path_template) ...';
    end if;

    if octet_length(v_body) > v_route.max_request_bytes then
        raise exception using
            errcode = 'IN002',
            message = format('payload of %s bytes is over the limit of %s', octet_length(v_body), v_route.max_request_bytes),
            detail = format('Topic %L, endpoint %L, document %s.', p_topic, v_route.endpoint, coalesce(p_document_id, '-')),
            hint = 'Send less, or raise max_request_bytes of the endpoint if its receiver takes more.';
    end if;

    if
        p_priority not between 0 and 9
        or p_due_at = 'infinity'
        or greatest(
            octet_length(p_document_type), octet_length(p_document_id), octet_length(p_ordering_key)
        ) > 500
    then
        raise exception using
            errcode = 'IN014',
            message = 'priority, due time, document or ordering key out of bounds',
            detail = format(
                'Topic %L, priority %s, due %s; document type %s, id %s, ordering key %s bytes.',
                p_topic, p_priority, p_due_at, octet_length(p_document_type),
                octet_length(p_document_id), octet_length(p_ordering_key)
            ),
            hint = 'Priority 0 to 9, null for the route''s own; a due time that comes; at most 500 bytes each.';
    end if;
    if p_headers is not null then
        perform artery._check_headers(p_headers, format('topic %L', p_topic));
    end if;

    v_path := v_route.path_template;
    if position('{' in v_path) > 0 then
        v_path := artery._fill_path(v_path, p_path_params);
    end if;
    v_hash := sha256(convert_to(concat_ws(E'\n', p_topic, v_route.method, v_path, v_body), 'UTF8'));

    if v_route.new_lane then
        insert into artery.lane (endpoint_id, priority)
        values (v_route.endpoint_id, v_route.priority)
        on conflict do nothing;
    end if;

    -- apart from the insert: in it, its cost would keep the planner from ever settling on a generic
    -- plan, and planning anew at each call costs more than half of all the rest
    if p_ordering_key is not null then
        v_queued := exists (
            select from artery.integration_task as t
            where
                t.endpoint_id = v_route.endpoint_id
                and t.ordering_key = p_ordering_key
                and t.status not in ('sent', 'cancelled', 'compensated')
        );
    end if;

    insert into artery.integration_task (
        request_id, topic, endpoint_id, priority, max_attempts, due_at, method, path, content_type, headers,
        body, request_hash, document_type, document_id, ordering_key, compensation, queued
    )
    values (
        coalesce(p_request_id, gen_random_uuid()), p_topic, v_route.endpoint_id, v_route.priority,
        v_route.max_attempts, greatest(p_due_at, clock_timestamp()), v_route.method, v_path, v_route.content_type,
        p_headers, v_body, v_hash, p_document_type, p_document_id, p_ordering_key, p_compensation,
        v_queued
    )
    on conflict (request_id) do nothing
    returning id into v_id;

    if v_id is null then
        select
            t.id,
            t.request_hash,
            t.topic,
            t.document_id
        into v_first
        from artery.integration_task as t
        where t.request_id = p_request_id;
        if v_first.request_hash is distinct from v_hash then
            raise exception using
                errcode = 'IN003',
                message = format('Request-ID %s was used before with another request', p_request_id),
                detail = format(
                    'First: task %s, topic %L, document %s. Now: topic %L, document %s.',
                    v_first.id, v_first.topic, coalesce(v_first.document_id, '-'), p_topic, coalesce(p_document_id, '-')
                ),
                hint = 'A changed request is a new request: give it a Request-ID of its own.';
        end if;
        return v_first.id;
    end if;

    if v_route.notifies then
        perform pg_notify(v_route.notify_channel, coalesce(p_document_id, v_id::text));
    end if;
    return v_id;
end
$function$;

comment on function artery.enqueue_task(
    text, jsonb, uuid, text, text, text, timestamptz, smallint, jsonb, jsonb, jsonb, text
) is
'Puts a call into the outbox, in the caller''s transaction; returns the task''s id. Same '
'Request-ID and request: the first task''s id. Errors: IN001 unknown topic, IN002 payload over its '
'limit, IN003 Request-ID reused with another request, IN008 credential among the headers, IN010 '
'bad path parameter, IN014 bad argument.';
grant execute on function artery.enqueue_task(
    text, jsonb, uuid, text, text, text, timestamptz, smallint, jsonb, jsonb, jsonb, text
) to artery_app;
