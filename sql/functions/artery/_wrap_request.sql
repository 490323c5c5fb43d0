-- CloudEvents HTTP binding 1.0.2, 3.1.3.2: space, quote, percent and all beyond printable ASCII
create or replace function artery._event_header(p_text text)
returns text
language sql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select case
    when p_text collate "C" ~ '^[!#$&-~]*$' then p_text
    else (
        select string_agg(
            case
                when c.letter collate "C" ~ '^[!#$&-~]$' then c.letter
                else artery._percent_encode(c.letter)
            end,
            '' order by c.position
        )
        from string_to_table(p_text, null) with ordinality as c (letter, position)
    )
end
$function$;
comment on function artery._event_header(text) is 'A CloudEvents attribute as a header''s value';

/* The request as it will be sent, for what is not plainly a jsonb body as JSON: wrapped in the
   CloudEvents envelope that the route or endpoint asks for, or a raw body, which has to fit. Made
   once, at enqueue, and frozen with the task: so the event's time and id are the same in all
   retries, and its id is the Request-ID. A GET without a body is sent plain. */
create or replace function artery._wrap_request(
    p_topic text, p_request_id uuid, p_document_type text, p_document_id text, p_body jsonb,
    p_raw_body text, p_headers jsonb
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_route record;
    v_type text;
    v_is_json boolean;
    v_problem text;
    v_hint text;
    v_event jsonb;
begin
    select
        coalesce(r.envelope, e.envelope) as envelope,
        r.method,
        r.content_type,
        coalesce(r.event_type, r.topic) as event_type,
        e.event_source,
        e.name as endpoint
    into v_route
    from artery.route as r
    inner join artery.endpoint as e on e.id = r.endpoint_id
    where r.topic = p_topic;
    v_type := v_route.content_type;
    v_is_json := v_type ~* '^[^;]*[/+]json';

    if p_body is null and p_raw_body is null and (v_route.method = 'GET' or v_route.envelope = 'xml') then
        return null;
    elsif v_route.envelope = 'xml' then
        v_type := case when v_is_json then 'application/xml' else v_type end;
        if p_raw_body is null or p_raw_body !~ '^.?\s*<' then
            v_problem := 'its receiver demands XML, and the body is none';
            v_hint := 'Give the document as p_raw_body. If the receiver takes JSON, set envelope of the endpoint or route to json.';
        end if;
    elsif p_raw_body ~ '^\s*<' or (v_type ~* 'xml' and num_nonnulls(p_body, p_raw_body) > 0) then
        v_problem := 'it does not say that its receiver demands XML';
        v_hint := 'Give the body as JSON (p_body). Where the receiver takes nothing but XML, set envelope of the endpoint or route to xml.';
    elsif v_is_json and p_raw_body is not null and not artery._is_json(p_raw_body) then
        v_problem := 'the raw body is no JSON';
        v_hint := format('Content type of the route: %s. Change the one or the other.', v_type);
    end if;
    if v_problem is not null then
        raise exception using
            errcode = 'IN026',
            message = format('endpoint %L: %s', v_route.endpoint, v_problem),
            detail = format('Topic %L, document %s, envelope %s.', p_topic, coalesce(p_document_id, '-'), v_route.envelope),
            hint = v_hint;
    end if;
    if v_route.envelope not like 'cloudevents%' then
        return jsonb_strip_nulls(jsonb_build_object('content_type', v_type, 'headers', p_headers));
    end if;

    v_event := jsonb_strip_nulls(jsonb_build_object(
        'specversion', '1.0',
        'id', p_request_id,
        'source', coalesce(v_route.event_source, 'urn:pg_artery:' || artery._percent_encode(current_database()::text)),
        'type', v_route.event_type,
        'subject', nullif(concat_ws('/', p_document_type, p_document_id), ''),
        'time', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    ));
    if v_route.envelope = 'cloudevents_binary' then
        return jsonb_build_object('content_type', v_type, 'headers', (
            select coalesce(p_headers, '{}') || jsonb_object_agg('ce-' || a.name, artery._event_header(a.value))
            from jsonb_each_text(v_event) as a (name, value)
        ));
    end if;
    return jsonb_strip_nulls(jsonb_build_object(
        'content_type', 'application/cloudevents+json; charset=utf-8',
        'headers', p_headers,
        -- as text: raw JSON keeps its bytes
        'body', rtrim((v_event || jsonb_build_object('datacontenttype', v_type))::text, '}') || coalesce(
            ', "data": ' || case when v_is_json then coalesce(p_raw_body, p_body::text) else coalesce(to_json(p_raw_body), p_body::json)::text end, ''
        ) || '}'
    ));
end
$function$;
comment on function artery._wrap_request(text, uuid, text, text, jsonb, text, jsonb) is
'What differs from a plain request: {"content_type", "headers", "body"}, each optional. Errors: IN026 the body does not fit the envelope';
