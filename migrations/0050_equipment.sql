set local role artery_owner;

create table artery_erp.work_calendar (
    code text collate "C" primary key,
    name text not null,
    time_zone text not null default 'UTC',
    constraint work_calendar_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$'),
    -- raises 22023 where the server knows no such zone
    constraint work_calendar_time_zone_check check (
        (timestamp '2000-01-01 00:00' at time zone time_zone) is not null
    )
);
comment on table artery_erp.work_calendar is
'When work is planned: the shifts of a site, in its time zone';

create table artery_erp.work_shift (
    calendar_code text collate "C" not null
    references artery_erp.work_calendar (code) on delete cascade,
    code text collate "C" not null,
    valid_from date not null default '2000-01-01',
    valid_to date,
    weekdays smallint[] not null default '{1,2,3,4,5}',
    starts_at time not null,
    ends_at time not null,
    primary key (calendar_code, code, valid_from),
    constraint work_shift_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$'),
    constraint work_shift_valid_check check (valid_to > valid_from),
    constraint work_shift_weekdays_check check (
        weekdays <@ '{1,2,3,4,5,6,7}'::smallint[] and cardinality(weekdays) > 0
    ),
    -- production is kept in buckets of five minutes, which a shift may not cut
    constraint work_shift_times_check check (
        extract(epoch from starts_at)::integer % 300 = 0
        and extract(epoch from ends_at)::integer % 300 = 0
    )
);
comment on table artery_erp.work_shift is
'A shift of a calendar: on which days it starts, from when to when on the clock of the site';
comment on column artery_erp.work_shift.valid_to is 'First day on which it does not start any more';
comment on column artery_erp.work_shift.weekdays is 'ISO days on which it starts: 1 = Monday';
comment on column artery_erp.work_shift.ends_at is
'Not after starts_at = on the next day. In multiples of five minutes, as starts_at';

create table artery_erp.calendar_day (
    calendar_code text collate "C" not null
    references artery_erp.work_calendar (code) on delete cascade,
    day date not null,
    shift_codes text[] not null default '{}',
    name text,
    primary key (calendar_code, day)
);
comment on table artery_erp.calendar_day is
'Days unlike the others: exactly these shifts start on it; none on a holiday';

insert into artery_erp.work_calendar (code, name) values ('always', 'Round the clock');
insert into artery_erp.work_shift (calendar_code, code, weekdays, starts_at, ends_at)
values ('always', 'day', '{1,2,3,4,5,6,7}', '00:00', '00:00');

create table artery_erp.equipment (
    code text collate "C" primary key,
    name text not null,
    work_center text,
    calendar_code text collate "C" not null default 'always'
    references artery_erp.work_calendar (code),
    ideal_cycle numeric,
    in_service timestamptz not null default now(),
    constraint equipment_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$'),
    constraint equipment_ideal_cycle_check check (ideal_cycle > 0 and ideal_cycle < 1e9),
    constraint equipment_in_service_check check (isfinite(in_service))
);
create index equipment_calendar_code_idx on artery_erp.equipment (calendar_code);
comment on table artery_erp.equipment is 'Machines and lines whose effectiveness is counted';
comment on column artery_erp.equipment.ideal_cycle is
'PRI of ISO 22400, the planned run time of one piece: seconds; for items without one of their own in '
'artery_erp.ideal_cycle';
comment on column artery_erp.equipment.in_service is 'From then on it has an OEE';

create table artery_erp.ideal_cycle (
    equipment_code text collate "C" not null
    references artery_erp.equipment (code) on delete cascade,
    item_code text collate "C" not null references artery_erp.item (code),
    seconds numeric not null,
    primary key (equipment_code, item_code),
    constraint ideal_cycle_seconds_check check (seconds > 0 and seconds < 1e9)
);
create index ideal_cycle_item_code_idx on artery_erp.ideal_cycle (item_code);
comment on table artery_erp.ideal_cycle is
'Planned run time of one piece of an item on a machine (PRI): seconds';

create table artery_erp.downtime_reason (
    code text collate "C" primary key,
    name text not null,
    kind text not null,
    constraint downtime_reason_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$'),
    constraint downtime_reason_kind_check check (kind in ('planned', 'unplanned'))
);
comment on table artery_erp.downtime_reason is 'Why a machine stands still';
comment on column artery_erp.downtime_reason.kind is
'planned = taken out of the time planned for work (maintenance, no demand); unplanned = a loss';

create table artery_erp.equipment_downtime (
    id bigint generated always as identity primary key,
    equipment_code text collate "C" not null references artery_erp.equipment (code),
    during tstzrange not null,
    reason_code text collate "C" not null references artery_erp.downtime_reason (code),
    note text,
    recorded_by text not null default session_user,
    recorded_at timestamptz not null default clock_timestamp(),
    constraint equipment_downtime_during_check check (
        lower(during) > '-infinity' and not isempty(during)
    )
);
create index equipment_downtime_equipment_code_idx
on artery_erp.equipment_downtime (equipment_code, lower(during));
create index equipment_downtime_reason_code_idx on artery_erp.equipment_downtime (reason_code);
comment on table artery_erp.equipment_downtime is
'Downtime that people plan or record; entries may overlap. It beats what the machine says of itself';
comment on column artery_erp.equipment_downtime.during is 'Without an end = still going on';

grant select on
artery_erp.work_calendar, artery_erp.work_shift, artery_erp.calendar_day, artery_erp.equipment,
artery_erp.ideal_cycle, artery_erp.downtime_reason, artery_erp.equipment_downtime
to artery_reader, artery_app;
grant insert, update, delete on
artery_erp.work_calendar, artery_erp.work_shift, artery_erp.calendar_day, artery_erp.ideal_cycle,
artery_erp.equipment_downtime
to artery_app;
grant insert, update on artery_erp.equipment, artery_erp.downtime_reason to artery_app;
