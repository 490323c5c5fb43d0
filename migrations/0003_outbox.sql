set local role artery_owner;

create table artery.runner (
    id bigint generated always as identity primary key,
    name text not null,
    host text not null,
    pid integer not null,
    version text not null,
    asleep boolean not null default false,
    started_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    stopped_at timestamptz,
    stats jsonb not null default '{}'
) with (fillfactor = 50);
comment on table artery.runner is
'Runner processes: one row each start, removed some time after its end';
comment on column artery.runner.asleep is
'Waits for a notification; an enqueue sends one only where some runner does';

/* One table from request to end. No foreign keys: their checks would lock the endpoint's and
   route's rows in every producer's transaction; enqueue_task looks both up, and neither can be
   deleted while it has tasks. Three versions of a row are written in its life (enqueued, claimed,
   ended), so every index here is paid for three times: only what the claim, Request-ID and
   people's look-ups need. locked_until is in none of them, so that a renewal stays HOT. */
create table artery.integration_task (
    id bigint generated always as identity primary key,
    request_id uuid not null constraint integration_task_request_id_key unique,
    topic text not null,
    endpoint_id integer not null,
    status text not null default 'pending',
    priority smallint not null,
    queued boolean not null default false,
    attempt integer not null default 0,
    failures integer not null default 0,
    max_attempts integer not null,
    due_at timestamptz not null,
    runner_id bigint,
    locked_until timestamptz,
    method text not null,
    path text not null,
    content_type text not null,
    headers jsonb,
    body text,
    request_hash bytea not null,
    document_type text,
    document_id text,
    ordering_key text,
    compensation jsonb,
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null default session_user,
    started_at timestamptz,
    ended_at timestamptz,
    duration interval,
    status_code integer,
    error_class text,
    error jsonb,
    history jsonb,
    handler_status text,
    handler_attempts integer not null default 0,
    handler_due_at timestamptz,
    handler_error jsonb,
    -- one array, not a list: an insert reads the whole expression anew, and a list reads long
    constraint integration_task_status_check check (
        status = any(
            '{pending,processing,sent,failed,dead,compensating,compensated,cancelled,held}'::text[]
        )
    ),
    constraint integration_task_lease_check check (
        (status = 'processing') = (locked_until is not null)
    ),
    constraint integration_task_priority_check check (priority between 0 and 9),
    constraint integration_task_handler_status_check check (handler_status in ('done', 'failed'))
) with (
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);

create index integration_task_claim_idx
on artery.integration_task (endpoint_id, priority, due_at, id)
where status in ('pending', 'failed') and not queued;

create index integration_task_processing_idx
on artery.integration_task (endpoint_id, id)
where status = 'processing';

create index integration_task_ordering_idx
on artery.integration_task (endpoint_id, ordering_key, id)
where ordering_key is not null and status not in ('sent', 'cancelled', 'compensated');

create index integration_task_attention_idx
on artery.integration_task (status, topic, id)
where status in ('failed', 'dead', 'held', 'compensating');

create index integration_task_handler_idx
on artery.integration_task (handler_due_at)
where handler_status = 'failed';

create index integration_task_document_idx
on artery.integration_task (document_id, document_type)
where document_id is not null;

comment on table artery.integration_task is
'The outbox: one row a call to be made, written in the business transaction, kept with its whole '
'story until archived';
comment on column artery.integration_task.request_id is
'Stable over all retries; the receiver deduplicates by it';
comment on column artery.integration_task.status is
'pending -> processing -> sent; failed = waits for its next attempt; dead = given up; held = '
'outcome unknown; compensating, compensated; cancelled';
comment on column artery.integration_task.queued is
'Waits behind an earlier task with the same ordering key';
comment on column artery.integration_task.attempt is
'Times claimed; with runner_id the fence of every write-back';
comment on column artery.integration_task.failures is
'Attempts that count against max_attempts: our own faults do not';
comment on column artery.integration_task.request_hash is
'SHA-256 over topic, method, path and body';
comment on column artery.integration_task.duration is 'Last attempt, from claim to write-back';
comment on column artery.integration_task.history is
'Failed attempts, newest last, at most 50: attempt, at, duration_ms, status, status_code, '
'error_class, error, runner_id';
comment on column artery.integration_task.handler_status is
'Of the reply handler: null = none or not due; failed = will be run again, without sending again';
comment on column artery.integration_task.compensation is
'What an undo will need, kept as it was at enqueue';

-- an answer whose handler failed, until it has been handled
create table artery.unhandled_reply (
    task_id bigint primary key references artery.integration_task (id) on delete cascade,
    reply jsonb not null,
    received_at timestamptz not null default clock_timestamp()
);
comment on table artery.unhandled_reply is
'Answers whose reply handler failed: kept whole and handed to it again by the sweep, never sent '
'again';

create table artery.cloud_log (
    called_at timestamptz not null,
    task_id bigint not null,
    attempt integer not null,
    span_id text not null,
    runner_id bigint not null,
    topic text not null,
    endpoint_id integer not null,
    request_id uuid not null,
    method text not null,
    url text not null,
    request_headers jsonb,
    request_body text,
    request_bytes integer not null,
    request_hash bytea not null,
    status_code integer,
    response_headers jsonb,
    response_body text,
    response_bytes integer,
    response_hash bytea,
    outcome text not null,
    error_class text,
    error text,
    stale boolean not null default false,
    peer text,
    dns_ms real,
    connect_ms real,
    tls_ms real,
    first_byte_ms real,
    total_ms real
) partition by range (called_at);
create index cloud_log_task_id_idx on artery.cloud_log (task_id);
comment on table artery.cloud_log is
'Every call made: request, redacted headers, answer, status, times in milliseconds. A partition a '
'day (UTC), dropped by age';
comment on column artery.cloud_log.outcome is
'What the attempt made of its task: sent, failed, dead, held';
comment on column artery.cloud_log.stale is
'The call was made, but by a runner that had lost its lease: it changed nothing';
comment on column artery.cloud_log.request_body is
'Cut to the endpoint''s logged_body_bytes; request_hash is over the whole';

grant select on artery.runner, artery.integration_task, artery.unhandled_reply, artery.cloud_log
to artery_reader;
