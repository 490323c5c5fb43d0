set local role artery_owner;

create table artery.endpoint (
    id integer generated always as identity primary key,
    name text not null constraint endpoint_name_key unique,
    base_url text not null,
    auth_kind text not null default 'none',
    secret_ref text,
    headers jsonb not null default '{}',
    connect_timeout interval not null default '5 seconds',
    total_timeout interval not null default '30 seconds',
    backoff_base interval not null default '1 second',
    backoff_factor numeric not null default 2,
    backoff_cap interval not null default '10 minutes',
    max_attempts integer not null default 12,
    retry_after_cap interval not null default '1 hour',
    retryable_statuses integer[] not null default array[408, 425, 429, 500, 502, 503, 504],
    idempotent boolean not null default true,
    max_in_flight integer,
    max_request_bytes integer not null default 1048576,
    max_response_bytes integer not null default 1048576,
    logged_body_bytes integer not null default 16384,
    rate_per_second numeric,
    burst integer not null default 1,
    breaker_min_calls integer not null default 10,
    breaker_failure_rate numeric not null default 0.5,
    breaker_window interval not null default '30 seconds',
    breaker_open_for interval not null default '15 seconds',
    status_outcomes jsonb not null default '{}',
    cloud boolean not null default true,
    enabled boolean not null default true,
    version integer not null default 1,
    updated_at timestamptz not null default now(),
    constraint endpoint_name_check check (name ~ '^[a-z][a-z0-9_.-]{0,62}$'),
    constraint endpoint_auth_kind_check check (auth_kind in ('none', 'api_key', 'basic', 'bearer')),
    constraint endpoint_headers_object_check check (jsonb_typeof(headers) = 'object'),
    constraint endpoint_connect_timeout_check
    check (connect_timeout between interval '10 milliseconds' and interval '5 minutes'),
    constraint endpoint_total_timeout_check
    check (total_timeout between connect_timeout and interval '10 minutes'),
    constraint endpoint_backoff_base_check check (backoff_base > interval '0'),
    constraint endpoint_backoff_factor_check check (backoff_factor between 1 and 10),
    constraint endpoint_backoff_cap_check check (backoff_cap >= backoff_base),
    constraint endpoint_max_attempts_check check (max_attempts between 1 and 1000),
    constraint endpoint_max_in_flight_check check (max_in_flight > 0),
    constraint endpoint_request_bytes_check check (max_request_bytes between 1 and 67108864),
    constraint endpoint_response_bytes_check check (max_response_bytes between 1 and 67108864),
    constraint endpoint_logged_body_check check (logged_body_bytes >= 0),
    constraint endpoint_rate_check check (rate_per_second > 0 and rate_per_second <= 1000000),
    constraint endpoint_burst_check check (burst between 1 and 1000000),
    constraint endpoint_breaker_min_calls_check check (breaker_min_calls >= 1),
    constraint endpoint_breaker_failure_rate_check
    check (breaker_failure_rate > 0 and breaker_failure_rate <= 1),
    constraint endpoint_breaker_window_check
    check (breaker_window between interval '1 second' and interval '1 hour'),
    constraint endpoint_breaker_open_for_check
    check (breaker_open_for >= interval '100 milliseconds'),
    constraint endpoint_status_outcomes_check check (
        jsonb_typeof(status_outcomes) = 'object' and not jsonb_path_exists(
            status_outcomes,
            '$.* ? (!(@ == "sent" || @ == "failed" || @ == "dead" || @ == "held"))'
        )
    )
);
comment on table artery.endpoint is
'Where and how to call: one row a system on the other side. Times are intervals, sizes bytes.';
comment on column artery.endpoint.base_url is
'Absolute URL with a version segment, such as https://mes.example/api/v1';
comment on column artery.endpoint.secret_ref is 'vault:NAME or env:NAME; never the secret itself';
comment on column artery.endpoint.headers is 'Fixed request headers, no secrets: {"name": "value"}';
comment on column artery.endpoint.idempotent is
'The receiver honours the Request-ID: a call whose outcome is unknown may be sent again. Otherwise '
'its task is held.';
comment on column artery.endpoint.rate_per_second is
'Calls a second, all runners together, with burst on top; null = no limit';
comment on column artery.endpoint.breaker_failure_rate is
'Share of failed calls in breaker_window, of at least breaker_min_calls, that opens the breaker';
comment on column artery.endpoint.breaker_open_for is
'Time until an open breaker lets one call probe';
comment on column artery.endpoint.status_outcomes is
'What a status means here where it differs: {"409": "sent"}; values sent, failed, dead, held';
comment on column artery.endpoint.cloud is
'Outside our own premises: its tasks show in artery.cloud_outbox';
comment on column artery.endpoint.max_in_flight is
'Most calls under way at once, all runners together; null = no limit, or 10 where not idempotent';
comment on column artery.endpoint.logged_body_bytes is
'Bodies in cloud_log are cut to this; hash and length are kept whole';
comment on column artery.endpoint.version is
'Rises with each change: runners reload what they cached';

create table artery.route (
    topic text primary key,
    endpoint_id integer not null references artery.endpoint (id),
    method text not null default 'POST',
    path_template text not null,
    content_type text not null default 'application/json',
    priority smallint not null default 5,
    reply_handler text,
    notify_channel text,
    notify boolean not null default true,
    description text,
    updated_at timestamptz not null default now(),
    constraint route_topic_check check (topic ~ '^[a-z][a-z0-9_.-]{0,126}$'),
    constraint route_method_check check (method in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
    constraint route_path_template_check check (
        path_template ~ '^/[^[:space:]?#]*(\?[^[:space:]#]*)?$'
    ),
    constraint route_priority_check check (priority between 0 and 9),
    constraint route_notify_channel_check check (notify_channel ~ '^[a-z_][a-z0-9_]{0,62}$')
);
create index route_endpoint_id_idx on artery.route (endpoint_id);
comment on table artery.route is
'Topic -> endpoint: adding an integration means a row here, one in endpoint and, at most, one '
'handler function.';
comment on column artery.route.path_template is
'Appended to the base URL; {name} is filled from the parameters given at enqueue, percent-encoded';
comment on column artery.route.priority is '0 goes first, 9 last, among the tasks of one endpoint';
comment on column artery.route.reply_handler is
'schema.function(jsonb) called with the answer when a task ends sent or dead; see '
'artery.report_results';
comment on column artery.route.notify_channel is
'Channel that gets the document''s id at commit, for other listeners; switched off by notify = '
'false';

-- which (endpoint, priority) pairs ever had a task: the claim probes these few instead of
-- searching the queue for them
create table artery.lane (
    endpoint_id integer not null references artery.endpoint (id) on delete cascade,
    priority smallint not null,
    primary key (endpoint_id, priority)
);
comment on table artery.lane is
'The (endpoint, priority) pairs that ever held a task; the claim walks these';

-- apart from endpoint, because it changes with traffic and endpoint with decisions
create table artery.rate_limiter (
    endpoint_id integer primary key references artery.endpoint (id) on delete cascade,
    next_free_at timestamptz,
    blocked_until timestamptz,
    blocked_reason text
) with (fillfactor = 50);
comment on table artery.rate_limiter is
'An endpoint a row, binding on all runners: its token bucket, and what its receiver told us to '
'wait for';
comment on column artery.rate_limiter.next_free_at is
'When the next call would fall due if calls came evenly at rate_per_second; burst may run ahead of '
'it. In the past: a full bucket (GCRA, a token bucket in one column)';
comment on column artery.rate_limiter.blocked_until is 'By Retry-After';

grant select on artery.endpoint, artery.route, artery.rate_limiter to artery_reader;
grant select, insert, update, delete on artery.endpoint, artery.route to artery_admin;
