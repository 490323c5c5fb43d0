set local role artery_owner;

/* Three roll-ups that follow each device's readings, kept for years; and one a shift that follows
   those, the calendars and the records of downtime. All are rebuilt where something changed. */
create table artery_iot.device_state (
    device_id integer not null references artery_iot.device (id),
    started_at timestamptz not null,
    ended_at timestamptz not null,
    state text not null,
    reason_code text collate "C",
    primary key (device_id, started_at),
    constraint device_state_order_check check (ended_at > started_at),
    constraint device_state_state_check check (
        state in ('running', 'idle', 'setup', 'down', 'offline', 'unknown')
    )
);
comment on table artery_iot.device_state is
'What each device said of its machine, from when to when. Times without a row are unknown: not heard of';
comment on column artery_iot.device_state.ended_at is
'At the latest a heartbeat_timeout after the last sign of life';
comment on column artery_iot.device_state.state is
'offline = it said good-bye; unknown = it lives, but has not said its state yet';

create table artery_iot.production (
    device_id integer not null references artery_iot.device (id),
    bucket_at timestamptz not null,
    item_code text collate "C" not null default '',
    good numeric not null,
    reject numeric not null,
    resets integer not null,
    rollovers integer not null,
    primary key (device_id, bucket_at, item_code)
);
comment on table artery_iot.production is
'Pieces counted in each five minutes: increases of the counters, at the time of the reading that showed them';
comment on column artery_iot.production.item_code is 'Empty = the reading did not say';
comment on column artery_iot.production.resets is 'How often a counter began again from 0 unexpectedly';

create table artery_iot.measure_summary (
    device_id integer not null references artery_iot.device (id),
    metric text collate "C" not null,
    bucket_at timestamptz not null,
    samples bigint not null,
    total double precision not null,
    minimum double precision not null,
    maximum double precision not null,
    primary key (device_id, metric, bucket_at)
);
comment on table artery_iot.measure_summary is
'Measures in each five minutes: their number, sum, smallest, largest';

create table artery_iot.sequence_event (
    device_id integer not null references artery_iot.device (id),
    sent_at timestamptz not null,
    sequence bigint not null,
    expected bigint not null,
    missing bigint,
    previous_at timestamptz not null,
    primary key (device_id, sent_at, sequence)
);
comment on table artery_iot.sequence_event is
'Messages that did not have the next sequence number. A gap that late messages fill is gone again';
comment on column artery_iot.sequence_event.missing is
'How many are missing between the two; null = the device began to count anew';

create table artery_iot.oee_shift (
    equipment_code text collate "C" not null references artery_erp.equipment (code),
    started_at timestamptz not null,
    ended_at timestamptz not null,
    counted_to timestamptz not null,
    day date not null,
    shift_code text collate "C",
    planned_operation numeric not null,
    planned_down numeric not null,
    planned_busy numeric not null,
    production numeric not null,
    down numeric not null,
    unknown numeric not null,
    produced numeric not null,
    good numeric not null,
    reject numeric not null,
    ideal numeric not null,
    no_cycle numeric not null,
    off_shift numeric not null,
    resets bigint not null,
    primary key (equipment_code, started_at)
);
create index oee_shift_started_at_idx on artery_iot.oee_shift (started_at);
create index oee_shift_unfinished_idx on artery_iot.oee_shift (equipment_code)
where counted_to < ended_at;
comment on table artery_iot.oee_shift is
'The parts of the OEE for each machine and shift, in seconds and pieces: they add up over any shifts';
comment on column artery_iot.oee_shift.counted_to is 'Before ended_at = the shift goes on';
comment on column artery_iot.oee_shift.day is 'The day on which the shift started, at the site';
comment on column artery_iot.oee_shift.shift_code is 'Null = outside all shifts';
comment on column artery_iot.oee_shift.planned_busy is
'PBT = planned operation time less planned downtime = production + down + unknown';
comment on column artery_iot.oee_shift.production is 'APT: the time it ran, within the planned busy time';
comment on column artery_iot.oee_shift.ideal is 'PRI x PQ, summed over the items';
comment on column artery_iot.oee_shift.no_cycle is 'Pieces for which no ideal cycle is known';
comment on column artery_iot.oee_shift.off_shift is 'Pieces counted outside all shifts: in no ratio';

create table artery_iot.oee_stale (
    id bigint generated always as identity primary key,
    equipment_code text collate "C" not null,
    during tstzrange not null
);
comment on table artery_iot.oee_stale is
'Times of machines whose figures are to be counted again: the queue of artery_iot.roll_up';

grant select on
artery_iot.device_state, artery_iot.production, artery_iot.measure_summary,
artery_iot.sequence_event, artery_iot.oee_shift, artery_iot.oee_stale
to artery_reader;
