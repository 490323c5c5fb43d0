set local role artery_owner;

create table artery_iot.setting (
    only_row boolean primary key default true,
    future_tolerance interval not null default '5 minutes',
    rejected_keep interval not null default '90 days',
    hypertable_keep interval,
    constraint setting_only_row_check check (only_row),
    constraint setting_future_tolerance_check check (
        future_tolerance between interval '0' and interval '1 day'
    ),
    constraint setting_rejected_keep_check check (rejected_keep >= interval '1 day')
);
comment on table artery_iot.setting is 'Settings of the sensor gateway';
comment on column artery_iot.setting.future_tolerance is
'By how much the clock of a device may be ahead of ours before its readings are rejected';
comment on column artery_iot.setting.rejected_keep is 'Age at which rejected readings are deleted';
comment on column artery_iot.setting.hypertable_keep is
'How long TimescaleDB keeps readings, where it does; set by artery_iot.use_timescaledb()';
insert into artery_iot.setting default values;

create table artery_iot.device (
    id integer generated always as identity primary key,
    code text collate "C" not null constraint device_code_key unique,
    equipment_code text collate "C" references artery_erp.equipment (code),
    heartbeat_timeout interval not null default '1 minute',
    counter_modulus numeric,
    sequence_modulus integer,
    enabled boolean not null default true,
    constraint device_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$'),
    constraint device_heartbeat_timeout_check check (
        heartbeat_timeout between interval '1 second' and interval '1 day'
    ),
    constraint device_counter_modulus_check check (counter_modulus > 1 and counter_modulus < 1e18),
    constraint device_sequence_modulus_check check (sequence_modulus > 1)
);
create index device_equipment_code_idx on artery_iot.device (equipment_code);
comment on table artery_iot.device is
'Who sends readings. A machine with several runs when one of them says so; their counters add up';
comment on column artery_iot.device.heartbeat_timeout is
'Not heard of for longer than this, its state is unknown';
comment on column artery_iot.device.counter_modulus is
'Its counters start again at 0 when they reach this; null = they never do';
comment on column artery_iot.device.sequence_modulus is
'Its sequence numbers start again at 0 when they reach this: 256 for Sparkplug; null = they never do';

create table artery_iot.device_metric (
    device_id integer not null references artery_iot.device (id) on delete cascade,
    alias bigint not null,
    name text not null,
    primary key (device_id, alias)
);
comment on table artery_iot.device_metric is
'What the aliases of a device stand for, as its last birth certificate said';

/* What the gateway hands over, in the columns of a plain COPY. It is a queue: no key, no index, no
   check, so that a COPY costs little more than into a bare table; a processed row is gone. What is
   wrong with a row is found when it is processed, and kept in iot_rejected_reading. */
create table artery_staging.iot_sensor_reading (
    device text,
    ts timestamptz,
    kind text,
    metric text,
    value double precision,
    good numeric,
    reject numeric,
    state text,
    reason_code text,
    item_code text,
    sequence bigint,
    sent_at timestamptz,
    historical boolean,
    source text not null default session_user,
    -- not clock_timestamp(): a volatile default makes COPY insert row by row
    received_at timestamptz not null default now()
) with (
    autovacuum_vacuum_scale_factor = 0.1,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0
);
comment on table artery_staging.iot_sensor_reading is
'Readings of machines, to be processed by the sweep: COPY or insert here. Columns: docs/oee.md';
comment on column artery_staging.iot_sensor_reading.kind is 'heartbeat, counter, state, measure';
comment on column artery_staging.iot_sensor_reading.value is 'Of a measure';
comment on column artery_staging.iot_sensor_reading.good is
'Of a counter: how many good pieces it has counted so far, ever';
comment on column artery_staging.iot_sensor_reading.state is
'running, idle, setup, down; offline = the device says good-bye';
comment on column artery_staging.iot_sensor_reading.sent_at is
'When the message was sent that it came in, if not at ts: orders the sequence numbers';
comment on column artery_staging.iot_sensor_reading.historical is
'Kept back by the device while it had no connection';

create table artery_staging.iot_cursor (
    only_row boolean primary key default true,
    block bigint not null default 0,
    constraint iot_cursor_only_row_check check (only_row)
) with (fillfactor = 50);
comment on table artery_staging.iot_cursor is
'The block of iot_sensor_reading that is processed next: a hint, as its rows are the queue';
insert into artery_staging.iot_cursor default values;

create table artery_staging.iot_rejected_reading (
    id bigint generated always as identity primary key,
    status text not null default 'rejected',
    source text not null,
    reading jsonb not null,
    reasons jsonb not null,
    received_at timestamptz not null,
    rejected_at timestamptz not null default clock_timestamp(),
    resubmitted_at timestamptz,
    resubmitted_by text,
    resubmit_reason text,
    constraint iot_rejected_reading_status_check check (status in ('rejected', 'resubmitted'))
);
create index iot_rejected_reading_rejected_at_idx
on artery_staging.iot_rejected_reading (rejected_at);
comment on table artery_staging.iot_rejected_reading is
'Readings that could not be taken, as they came, with all reasons; resubmit_readings tries again';
comment on column artery_staging.iot_rejected_reading.reading is
'In the form that artery_api_v1.sensor_readings takes';
comment on column artery_staging.iot_rejected_reading.reasons is
'[{"code": "IN4nn", "path", "message", "hint"}]';

/* One table for years of readings: a partition a day, made ahead and dropped by age. Where
   TimescaleDB is installed, artery_iot.use_timescaledb() makes a hypertable of it. */
create table artery_iot.sensor_reading (
    device_id integer not null,
    kind text collate "C" not null,
    ts timestamptz not null,
    metric text collate "C" not null,
    value double precision,
    good numeric,
    reject numeric,
    state text collate "C",
    reason_code text collate "C",
    item_code text collate "C",
    historical boolean not null,
    received_at timestamptz not null
) partition by range (ts);
create unique index sensor_reading_key
on artery_iot.sensor_reading (device_id, kind, ts, metric);
create index sensor_reading_ts_idx on artery_iot.sensor_reading using brin (ts)
with (pages_per_range = 32, autosummarize = on);
comment on table artery_iot.sensor_reading is
'Readings as they were taken, one for each device, kind, moment and metric';
comment on column artery_iot.sensor_reading.metric is 'Empty for heartbeats, states and the one counter';

create table artery_iot.message (
    device_id integer not null,
    sent_at timestamptz not null,
    sequence bigint not null
) partition by range (sent_at);
create unique index message_key on artery_iot.message (device_id, sent_at, sequence);
comment on table artery_iot.message is 'Messages with a sequence number, to see which are missing';
insert into artery.partitioning (parent, days_ahead, keep) values
('artery_iot.sensor_reading', 7, '90 days'),
('artery_iot.message', 7, '14 days');

grant select on
artery_iot.setting, artery_iot.device, artery_iot.device_metric, artery_iot.sensor_reading,
artery_iot.message
to artery_reader;
grant update on artery_iot.setting to artery_admin;
grant insert, update on artery_iot.device to artery_admin, artery_app;
grant usage on schema artery_iot to artery_app;
grant usage on schema artery_staging to artery_reader, artery_operator, artery_app;
grant select on artery_staging.iot_sensor_reading, artery_staging.iot_rejected_reading
to artery_reader;
grant insert (
    device, ts, kind, metric, value, good, reject, state, reason_code, item_code, sequence, sent_at,
    historical
) on artery_staging.iot_sensor_reading to artery_app;
