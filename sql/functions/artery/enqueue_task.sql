/* Writes the outbox row in the caller's transaction: committed with the business change or not at
   all. Reads route, endpoint, runner; writes integration_task, and lane for a priority of its own.

   One statement does all that goes well. Every further expression would cost each transaction its
   set-up anew, and it is the business that waits. A notification costs every committing session the
   cluster-wide queue lock, so artery_wake is sent only while some runner sleeps. A runner marks
   itself asleep before its last look at the queue and polls with growing pauses after it: a commit
   that falls in between is found within milliseconds all the same. */
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
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_body text := coalesce(p_raw_body, p_body::text);
    v_request_id uuid := coalesce(p_request_id, artery._new_request_id());
    v_headers jsonb := p_headers;
    v_trace_id uuid;
    v_queued boolean := false;
    v_new record;
begin
    if p_priority is not null then
        insert into artery.lane (endpoint_id, priority)
        select
            r.endpoint_id,
            p_priority
        from artery.route as r
        where r.topic = p_topic and p_priority between 0 and 9
        on conflict do nothing;
    end if;
    if p_headers is not null then
        perform artery._check_headers(p_headers, format('topic %L', p_topic));
    end if;
    if current_setting('artery.traceparent', true) <> '' or p_headers ? 'traceparent' then
        select
            j.headers,
            j.trace_id
        into v_headers, v_trace_id
        from artery._join_trace(p_headers, current_setting('artery.traceparent', true)) as j;
    end if;
    -- apart from the insert: in it, its cost would keep the planner from settling on a generic plan
    if p_ordering_key is not null then
        v_queued := exists (
            select from artery.integration_task as t
            where
                t.endpoint_id = (
                    select r.endpoint_id
                    from artery.route as r
                    where r.topic = p_topic
                )
                and t.ordering_key = p_ordering_key
                and t.status not in ('sent', 'cancelled', 'compensated')
        );
    end if;

    with route as materialized (
        select
            r.topic,
            r.method,
            r.content_type,
            r.download_bytes,
            e.id as endpoint_id,
            e.max_attempts,
            case
                when coalesce(r.envelope, e.envelope) <> 'json' or p_raw_body is not null
                    then artery._wrap_request(
                        r.topic, v_request_id, p_document_type, p_document_id, p_body,
                        p_raw_body, v_headers
                    )
            end as wrapped,
            coalesce(p_priority, r.priority) as priority,
            case when r.notify then r.notify_channel end as notify_channel,
            case
                when position('{' in r.path_template) = 0 then r.path_template
                else artery._fill_path(r.path_template, p_path_params)
            end as path
        from artery.route as r
        inner join artery.endpoint as e on e.id = r.endpoint_id
        where
            r.topic = p_topic
            and coalesce(octet_length(v_body), 0) <= e.max_request_bytes
            and coalesce(p_priority between 0 and 9, true)
            and coalesce(p_due_at < 'infinity', true)
            and coalesce(greatest(
                octet_length(p_document_type), octet_length(p_document_id),
                octet_length(p_ordering_key)
            ), 0) <= 500
    ),

    task as (
        insert into artery.integration_task (
            request_id, topic, endpoint_id, priority, max_attempts, due_at, method, path,
            content_type, headers, body, request_hash, document_type, document_id, ordering_key,
            compensation, queued, trace_id, download_bytes
        )
        select
            v_request_id, r.topic, r.endpoint_id, r.priority,
            r.max_attempts, greatest(p_due_at, clock_timestamp()), r.method, r.path,
            coalesce(r.wrapped ->> 'content_type', r.content_type),
            coalesce(r.wrapped -> 'headers', v_headers), coalesce(r.wrapped ->> 'body', v_body),
            artery._request_hash(r.topic, r.method, r.path, v_body), p_document_type,
            p_document_id, p_ordering_key, p_compensation, v_queued,
            v_trace_id, r.download_bytes
        from route as r
        on conflict (request_id) do nothing
        returning id
    )

    select
        t.id,
        r.notify_channel,
        exists (select from artery.runner as s where s.asleep and s.stopped_at is null) as wakes
    into v_new
    from task as t
    cross join route as r;
    if not found then
        return artery._explain_refusal(
            p_topic, v_body, p_request_id, p_document_type, p_document_id, p_ordering_key,
            p_due_at, p_priority, p_path_params
        );
    end if;

    if v_new.wakes then
        notify artery_wake;
    end if;
    if v_new.notify_channel is not null then
        perform pg_notify(v_new.notify_channel, coalesce(p_document_id, v_new.id::text));
    end if;
    return v_new.id;
end
$function$;

comment on function artery.enqueue_task(
    text, jsonb, uuid, text, text, text, timestamptz, smallint, jsonb, jsonb, jsonb, text
) is
'Puts a call into the outbox, in the caller''s transaction; returns the task''s id. Same '
'Request-ID and request: the first task''s id. Errors: IN001 unknown topic, IN002 payload over its '
'limit, IN003 Request-ID reused with another request, IN008 credential among the headers, IN010 '
'bad path parameter, IN014 bad argument, IN026 body that the endpoint''s envelope does not take.';
grant execute on function artery.enqueue_task(
    text, jsonb, uuid, text, text, text, timestamptz, smallint, jsonb, jsonb, jsonb, text
) to artery_app;
