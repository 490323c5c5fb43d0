/* A call that was really made is logged even if its runner had lost the task: the receiver saw it.
   A report that was applied before, and is repeated because its COMMIT's reply was lost, is
   already in the log with its span. */
create or replace function artery._log_stale_results(
    p_runner bigint, p_results jsonb, p_applied bigint[], p_now timestamptz
)
returns bigint[]
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    v_stale bigint[];
begin
    select coalesce(array_agg(r.id order by r.id), '{}')
    into v_stale
    from artery._result_rows(p_results) as r
    where r.id <> all(p_applied);

    insert into artery.cloud_log (
        called_at, task_id, attempt, span_id, runner_id, topic, endpoint_id, request_id, method, url,
        request_headers, request_body, request_bytes, request_hash, status_code, response_headers,
        response_body, response_bytes, outcome, error_class, error, stale, peer,
        dns_ms, connect_ms, tls_ms, first_byte_ms, total_ms, trace_id
    )
    select
        p_now - r.ago_ms * interval '1 millisecond', t.id, r.attempt, r.span_id, p_runner, t.topic, t.endpoint_id,
        t.request_id, t.method, artery._redacted(r.url), r.request_headers, artery._redacted(left(t.body, e.logged_body_bytes)),
        coalesce(octet_length(t.body), 0), t.request_hash, r.status_code, r.response_headers,
        artery._redacted(left(r.response_body, e.logged_body_bytes)), r.response_bytes, t.status, 'stale',
        artery._redacted(r.error), true, r.peer,
        r.dns_ms, r.connect_ms, r.tls_ms, r.first_byte_ms, r.total_ms, coalesce(t.trace_id, t.request_id)
    from artery._result_rows(p_results) as r
    inner join artery.integration_task as t on t.id = r.id
    inner join artery.endpoint as e on e.id = t.endpoint_id
    where
        r.id = any(v_stale)
        and t.id = any(v_stale)
        and not exists (
            select from artery.cloud_log as l
            where l.task_id = r.id and l.attempt = r.attempt and l.span_id = r.span_id
        );
    return v_stale;
end
$function$;
comment on function artery._log_stale_results(bigint, jsonb, bigint[], timestamptz) is
'Logs reported calls that changed nothing, unless they are in the log already; returns their '
'tasks'' ids';
