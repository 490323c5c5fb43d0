set local role artery_owner;

alter table artery.endpoint
add column rate_per_second numeric,
add column burst integer not null default 1,
add column breaker_min_calls integer not null default 10,
add column breaker_failure_rate numeric not null default 0.5,
add column breaker_window interval not null default '30 seconds',
add column breaker_open_for interval not null default '15 seconds',
add column status_outcomes jsonb not null default '{}',
add constraint endpoint_rate_check check (rate_per_second > 0 and rate_per_second <= 1000000),
add constraint endpoint_burst_check check (burst between 1 and 1000000),
add constraint endpoint_breaker_min_calls_check check (breaker_min_calls >= 1),
add constraint endpoint_breaker_failure_rate_check
check (breaker_failure_rate > 0 and breaker_failure_rate <= 1),
add constraint endpoint_breaker_window_check
check (breaker_window between interval '1 second' and interval '1 hour'),
add constraint endpoint_breaker_open_for_check
check (breaker_open_for >= interval '100 milliseconds'),
add constraint endpoint_status_outcomes_check check (
    jsonb_typeof(status_outcomes) = 'object' and not jsonb_path_exists(
        status_outcomes,
        '$.* ? (!(@ == "sent" || @ == "failed" || @ == "dead" || @ == "held"))'
    )
);
comment on column artery.endpoint.rate_per_second is
'Calls a second, all runners together, with burst on top; null = no limit';
comment on column artery.endpoint.breaker_failure_rate is
'Share of failed calls in breaker_window, of at least breaker_min_calls, that opens the breaker';
comment on column artery.endpoint.breaker_open_for is
'Time until an open breaker lets one call probe';
comment on column artery.endpoint.status_outcomes is
'What a status means here where it differs: {"409": "sent"}; values sent, failed, dead, held';

-- GCRA: the token bucket in one column. A full bucket is a time in the past.
alter table artery.rate_limiter add column next_free_at timestamptz;
comment on column artery.rate_limiter.next_free_at is
'When the next call would fall due if calls came evenly at rate_per_second; burst may run ahead of '
'it';

create table artery.breaker (
    endpoint_id integer primary key references artery.endpoint (id) on delete cascade,
    state text not null default 'closed',
    by_hand boolean not null default false,
    reason text,
    changed_at timestamptz not null default clock_timestamp(),
    probe_at timestamptz,
    window_started_at timestamptz not null default clock_timestamp(),
    calls integer not null default 0,
    failures integer not null default 0,
    previous_calls integer not null default 0,
    previous_failures integer not null default 0,
    constraint breaker_state_check check (state in ('closed', 'open', 'half_open'))
) with (fillfactor = 50);
comment on table artery.breaker is
'The circuit breaker of each endpoint that ever failed: open = no calls; half_open = one probe is '
'out';
comment on column artery.breaker.probe_at is
'Open: when one call may probe. Half open: when the probe is given up for lost. Null = by hand only';
comment on column artery.breaker.calls is
'Of the running window; previous_calls of the one before it';

create table artery.breaker_event (
    id bigint generated always as identity primary key,
    endpoint_id integer not null,
    at timestamptz not null default clock_timestamp(),
    from_state text not null,
    to_state text not null,
    reason text not null,
    by_role text not null
);
create index breaker_event_endpoint_id_idx on artery.breaker_event (endpoint_id, at);
comment on table artery.breaker_event is 'One row a transition of a breaker, by traffic or by hand';

grant select on artery.breaker, artery.breaker_event to artery_reader;
