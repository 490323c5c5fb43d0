set local role artery_owner;

/* The last hour of a busy log is a million rows; of these it is some thousands. A step of
   artery.tick() fills it from the log, behind what may still be under way, so that no write-back
   pays for it. */
create table artery.call_minute (
    minute timestamptz not null,
    topic text not null,
    endpoint_id integer not null,
    outcome text not null,
    bucket smallint not null,
    calls integer not null,
    primary key (minute, topic, endpoint_id, outcome, bucket)
);
comment on table artery.call_minute is
'Calls of the log by minute, topic, endpoint, outcome and duration: what graphs and percentiles are made of';
comment on column artery.call_minute.bucket is
'Durations above 2 ^ ((bucket - 1) / 8) and up to 2 ^ (bucket / 8) milliseconds; 0 = up to 1 ms; -1 = none was taken';

create table artery.call_count (
    topic text not null,
    endpoint_id integer not null,
    outcome text not null,
    calls bigint not null,
    primary key (topic, endpoint_id, outcome)
);
comment on table artery.call_count is
'Calls by topic, endpoint and outcome since they are counted by minute: only ever rises';

create table artery.call_rollup (
    only_row boolean primary key default true,
    counted_until timestamptz not null,
    keep interval not null default '2 days',
    constraint call_rollup_only_row_check check (only_row),
    constraint call_rollup_counted_until_check
    check (counted_until = date_trunc('minute', counted_until, 'UTC')),
    constraint call_rollup_keep_check check (keep >= interval '1 hour')
);
comment on table artery.call_rollup is 'How far the log is counted by minute, and how long minutes are kept';
insert into artery.call_rollup (counted_until)
values (date_trunc('hour', now(), 'UTC') - interval '1 hour');

grant select on artery.call_minute, artery.call_count, artery.call_rollup to artery_reader;
grant update (keep) on artery.call_rollup to artery_admin;
