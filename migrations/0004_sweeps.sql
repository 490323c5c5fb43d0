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
'What artery.tick() runs: each domain registers its steps here; interval, time limit and last outcome of each';
comment on column artery.sweep_step.function is
'schema.function(timestamptz) returns bigint: works in batches until that moment, gives the number of things done';
comment on column artery.sweep_step.outcome is 'done; partial = stopped at its time limit with work left; failed';

grant select on artery.sweep_step to artery_reader;
grant select, insert, update, delete on artery.sweep_step to artery_admin;
