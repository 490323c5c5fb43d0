set local role artery_owner;

create table artery.sweep_step (
    name text primary key,
    function text not null,
    every interval not null,
    time_limit interval not null default '10 seconds',
    position smallint not null default 100,
    enabled boolean not null default true,
    next_run_at timestamptz not null default '-infinity',
    started_at timestamptz,
    ended_at timestamptz,
    outcome text,
    work bigint,
    error jsonb,
    runs bigint not null default 0,
    failures bigint not null default 0,
    constraint sweep_step_name_check check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint sweep_step_every_check check (every > interval '0'),
    constraint sweep_step_time_limit_check check (time_limit > interval '0'),
    constraint sweep_step_outcome_check check (outcome in ('done', 'partial', 'failed'))
) with (fillfactor = 50);
comment on table artery.sweep_step is
'What artery.tick() runs: each domain registers its steps here; interval, time limit and last '
'outcome of each';
comment on column artery.sweep_step.function is
'schema.function(timestamptz) returns bigint: works in batches until that moment, gives the number '
'of things done';
comment on column artery.sweep_step.outcome is
'done; partial = stopped at its time limit with work left; failed';

grant select on artery.sweep_step to artery_reader;
grant select, insert, update, delete on artery.sweep_step to artery_admin;

create table artery.partitioning (
    parent text primary key,
    days_ahead integer not null default 7,
    keep interval,
    constraint partitioning_parent_check check (parent ~ '^[a-z_]+\.[a-z_]+$'),
    constraint partitioning_days_ahead_check check (days_ahead between 1 and 366),
    constraint partitioning_keep_check check (keep >= interval '1 day')
);
comment on table artery.partitioning is
'Tables with a partition a day (UTC): how many days are made ahead, and the age at which one is '
'dropped';
comment on column artery.partitioning.keep is 'null = for ever';

create table artery.retention (
    only_row boolean primary key default true,
    ended_tasks interval not null default '90 days',
    stopped_runners interval not null default '7 days',
    constraint retention_only_row_check check (only_row),
    constraint retention_ended_tasks_check check (ended_tasks >= interval '1 hour'),
    constraint retention_stopped_runners_check check (stopped_runners >= interval '1 minute')
);
comment on table artery.retention is 'How long what has ended stays in the engine''s tables';
comment on column artery.retention.ended_tasks is
'Sent, cancelled and compensated tasks; also the time in which a repeated Request-ID is known. '
'Dead and held ones stay';

insert into artery.partitioning (parent, days_ahead, keep)
values ('artery.cloud_log', 7, '90 days');
insert into artery.retention default values;

insert into artery.sweep_step (name, function, every, position) values
('expire_leases', 'artery.expire_leases', '1 second', 10),
('unblock_keys', 'artery.unblock_keys', '1 second', 20),
('rerun_handlers', 'artery.rerun_handlers', '1 second', 30),
('create_partitions', 'artery.create_partitions', '1 hour', 80),
('drop_partitions', 'artery.drop_partitions', '1 hour', 90),
('delete_ended_tasks', 'artery.delete_ended_tasks', '10 minutes', 91),
('forget_runners', 'artery.forget_runners', '1 minute', 92);

grant select on artery.partitioning, artery.retention to artery_reader;
grant select, insert, update, delete on artery.partitioning to artery_admin;
grant select, update on artery.retention to artery_admin;
