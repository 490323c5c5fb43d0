set local role artery_owner;

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
