/* The set-based part of artery.report_results, apart from it because of the planner's settings,
   which no handler shall inherit. Whatever the statistics say of a queue that was empty a second
   ago, its rows are reached by their ids, once, and joined by hash: hence the second condition on
   t.id, which no join order can put off. The fence says locked_until is not null, which is the
   same as processing by a CHECK, so that no plan can choose to walk that partial index instead. */
create or replace function artery._apply_results(
    p_runner bigint, p_results jsonb, p_now timestamptz,
    out done bigint[], out ordered bigint[], out tally jsonb, out replies jsonb
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_nestloop = off
set enable_mergejoin = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    c_rotation constant interval := interval '1 minute';
    c_searched_at_once constant integer := 4000000; -- characters
    v_ids bigint[];
begin
    v_ids := array(select r.id from jsonb_to_recordset(p_results) as r (id bigint));

    with input as materialized (
        select r.*
        from artery._result_rows(p_results) as r
        order by r.id
    ),

    judged as (
        select
            i.*,
            t.inquiry as asked,
            q.verdict,
            case when q.verdict is null then c.error_class else q.verdict ->> 'error_class' end as error_class,
            case when t.inquiry is null then c.counts else 0 end as counts,
            e.logged_body_bytes,
            p.problem,
            r.reply_handler,
            case
                when q.verdict is not null then q.verdict ->> 'status'
                when o.status = 'failed' and c.counts > 0 and t.failures + 1 >= t.max_attempts then 'dead'
                else o.status
            end as new_status,
            p_now + greatest(
                case when i.status_code in (429, 503) then w.wait end,
                case when i.response_headers ?| '{ratelimit,ratelimit-remaining,x-ratelimit-remaining}'
                    then least(artery._quota_wait(i.response_headers, p_now), e.retry_after_cap) end
            ) as blocked_until,
            p_now + case when q.verdict ? 'wait'
                then greatest((q.verdict ->> 'wait')::interval, w.wait)
            else greatest(
                -- full jitter: anywhere between now and the exponential step, which is counted
                -- in seconds because an interval overflows
                random() * interval '1 second' * least(
                    extract(epoch from e.backoff_cap),
                    extract(epoch from e.backoff_base) * e.backoff_factor
                    ^ least(case when c.counts > 0 then t.failures else t.attempt - 1 end, 60)
                )::double precision,
                w.wait
            ) end as next_due_at
        from input as i
        inner join artery.integration_task as t on t.id = i.id and t.id = any(v_ids)
        inner join artery.endpoint as e on e.id = t.endpoint_id
        left join artery.route as r on r.topic = t.topic
        -- refused with a secret that was rotated while the call was out, or that is new and may not
        -- have come into force: our fault
        cross join lateral (
            select case
                when i.status_code = 401 and e.auth_kind <> 'none'
                    and (i.endpoint_version < e.version or e.updated_at > p_now - c_rotation)
                    then 'secret'
                else i.error_kind
            end as error_kind
        ) as k
        cross join lateral artery._classify(
            -- GET is safe by definition
            i.status_code, k.error_kind, e.retryable_statuses,
            e.idempotent or t.method = 'GET' or t.inquiry is not null
        ) as c
        cross join lateral (
            select case
                when i.status_code >= 400 and i.response_headers ->> 'content-type' ~* '^application/problem\+json'
                    then artery._problem(i.response_body)
            end as problem
        ) as p
        cross join lateral (
            select case
                when k.error_kind is not null then c.status
                when i.status_code >= 400 and e.problem_outcomes ? (p.problem ->> 'type')
                    then e.problem_outcomes ->> (p.problem ->> 'type')
                when e.status_outcomes ? i.status_code::text
                    then e.status_outcomes ->> i.status_code::text
                -- once more, as long as the operator may be at it
                when i.status_code = 401 and e.auth_kind <> 'none'
                    and t.status_code is distinct from 401
                    then 'failed'
                -- the call before is still being worked on under the same Idempotency-Key
                when i.status_code = 409 and e.idempotent and t.attempt > 1 then 'failed'
                else c.status
            end as status
        ) as o
        -- few tasks come here: the outcome is open, and there may be somebody to ask
        cross join lateral (
            select case
                when t.inquiry is not null
                    or coalesce(r.status_path_template, r.accepted_path_template) is not null
                    and (o.status = 'held' or i.status_code = 202 and o.status = 'sent' and not e.status_outcomes ? '202')
                    then artery._inquire(
                        t.topic, t.id, t.request_id, t.document_id, t.inquiry, t.failures < t.max_attempts,
                        i.status_code, c.error_class, i.response_body, i.response_headers, p_now
                    )
            end as verdict
        ) as q
        -- least() would take the cap for a wait that nobody asked for
        cross join lateral (select artery._retry_after(i.retry_after, p_now) as asked) as a
        cross join lateral (
            select case when a.asked is not null then least(a.asked, e.retry_after_cap) end as wait
        ) as w
    ),

    done as (
        update artery.integration_task as t
        set
            status = j.new_status,
            failures = t.failures + j.counts,
            due_at = case j.new_status when 'failed' then j.next_due_at else t.due_at end,
            inquiry = j.verdict -> 'inquiry',
            status_code = j.status_code,
            error_class = j.error_class,
            error = case when j.error_class is not null then jsonb_strip_nulls(jsonb_build_object(
                'kind', j.error_kind,
                'message', coalesce(
                    j.verdict ->> 'message',
                    artery._redacted(j.error),
                    nullif(concat_ws(': ', j.problem ->> 'title', j.problem ->> 'detail'), '')
                ),
                'problem', j.problem,
                'answer', artery._redacted(left(j.response_body, 1000))
            )) end,
            handler_status = case
                when artery._reply_handler(j.new_status, t.compensation, j.reply_handler) is not null then 'done'
            end
        from judged as j
        where
            t.id = j.id
            and t.id = any(v_ids)
            and t.attempt = j.attempt
            and t.runner_id = p_runner
            and t.locked_until is not null
        returning
            t.topic, t.endpoint_id, t.request_id, t.method, t.body, t.request_hash, t.ordering_key, t.handler_status,
            t.document_type, t.document_id, t.compensation, t.trace_id, t.error as task_error, j.*
    ),

    -- one search for the whole report, as long as it is short enough for that
    suspicion as materialized (
        select coalesce(case when sum(length(x.texts)) < c_searched_at_once then
            artery._suspicious(string_agg(x.texts, E'\n'))
        end, true) as any_text
        from (
            select concat_ws(
                E'\n', left(d.body, d.logged_body_bytes), left(d.response_body, d.logged_body_bytes), d.error, d.url
            ) as texts
            from done as d
        ) as x
    ),

    logged as (
        insert into artery.cloud_log (
            called_at, task_id, attempt, span_id, runner_id, topic, endpoint_id, request_id, method, url,
            request_headers, request_body, request_bytes, request_hash, status_code, response_headers,
            response_body, response_bytes, response_hash, outcome, error_class, error, status_query, peer,
            dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms, trace_id
        )
        select
            p_now - d.ago_ms * interval '1 millisecond', d.id, d.attempt, d.span_id, p_runner, d.topic,
            d.endpoint_id, d.request_id, coalesce(d.asked ->> 'method', d.method),
            case when s.any_text then artery._redacted(d.url) else d.url end, d.request_headers,
            case when d.asked is null then
                case when s.any_text then artery._redacted(b.request) else b.request end
            end,
            case when d.asked is null then coalesce(octet_length(d.body), 0) else 0 end,
            d.request_hash, d.status_code, d.response_headers,
            case when s.any_text then artery._redacted(b.response) else b.response end, d.response_bytes, sha256(convert_to(d.response_body, 'UTF8')),
            d.new_status, d.error_class, case when s.any_text then artery._redacted(d.error) else d.error end, d.asked is not null, d.peer,
            d.dns_ms, d.connect_ms, d.tls_ms, d.first_byte_ms, d.total_ms, coalesce(d.trace_id, d.request_id)
        from done as d
        cross join suspicion as s
        cross join lateral (
            select left(d.body, d.logged_body_bytes) as request, left(d.response_body, d.logged_body_bytes) as response
        ) as b
    )

    select
        array_agg(d.id),
        array_agg(d.id) filter (where d.ordering_key is not null and d.new_status = 'sent'),
        (
            select jsonb_agg(to_jsonb(e))
            from (
                select
                    x.endpoint_id,
                    count(*) filter (where x.error_class is distinct from 'own_fault') as calls,
                    count(*) filter (
                        where x.error_class in ('retryable', 'unreachable', 'unknown_outcome')
                    ) as failures,
                    bool_or(x.status_code = 410 and x.new_status = 'dead' and x.asked is null) as gone,
                    max(x.blocked_until) as blocked_until,
                    max(x.retry_after) filter (where x.status_code in (429, 503) and x.blocked_until is not null) as retry_after
                from done as x
                group by x.endpoint_id
            ) as e
        ),
        jsonb_agg(jsonb_build_object(
            'handler', artery._reply_handler(d.new_status, d.compensation, d.reply_handler),
            'reply', jsonb_build_object(
                'task_id', d.id,
                'request_id', d.request_id,
                'topic', d.topic,
                'document_type', d.document_type,
                'document_id', d.document_id,
                'outcome', d.new_status,
                'attempt', d.attempt,
                'status_code', d.status_code,
                'body', artery._json_or_text(d.response_body),
                'error', d.task_error
            )
        ) order by d.id) filter (where d.handler_status = 'done')
    into done, ordered, tally, replies
    from done as d;
end
$function$;
comment on function artery._apply_results(bigint, jsonb, timestamptz) is
'Ends the attempts that a report tells of and logs their calls; gives the tasks ended, those whose '
'ordering key goes on, a tally by endpoint, and what their handlers are to be told';
