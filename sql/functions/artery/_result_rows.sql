-- Inlined into its callers: hence no search_path
create or replace function artery._result_rows(p_results jsonb)
returns table (
    id bigint,
    attempt integer,
    span_id text,
    status_code integer,
    error_kind text,
    error text,
    retry_after text,
    url text,
    request_headers jsonb,
    response_headers jsonb,
    response_body text,
    response_bytes integer,
    ago_ms double precision,
    dns_ms real,
    connect_ms real,
    tls_ms real,
    first_byte_ms real,
    total_ms real,
    peer text,
    endpoint_version integer
)
language sql
immutable
parallel safe
rows 1000
as $function$
select
    r.id,
    r.attempt,
    coalesce(r.span_id, ''),
    r.status_code,
    r.error_kind,
    r.error,
    r.retry_after,
    coalesce(r.url, ''),
    r.request_headers,
    r.response_headers,
    r.response_body,
    r.response_bytes,
    -- no call takes a day: what says so is a broken clock
    case when r.ago_ms between 0 and 86400000 then r.ago_ms else 0 end,
    r.dns_ms,
    r.connect_ms,
    r.tls_ms,
    r.first_byte_ms,
    r.total_ms,
    r.peer,
    r.endpoint_version
from jsonb_to_recordset(p_results) as r (
    id bigint, attempt integer, span_id text, status_code integer, error_kind text, error text, retry_after text,
    url text, request_headers jsonb, response_headers jsonb, response_body text, response_bytes integer,
    ago_ms double precision, dns_ms real, connect_ms real, tls_ms real, first_byte_ms real, total_ms real, peer text,
    endpoint_version integer
)
$function$;
comment on function artery._result_rows(jsonb) is
'The rows of a runner''s report; the one place that knows their shape';
