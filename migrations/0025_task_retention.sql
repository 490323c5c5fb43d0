-- constraints on a short table: a scan of it blocks nobody
-- squawk-ignore-file constraint-missing-not-valid
set local role artery_owner;

alter table artery.endpoint
add column task_keep interval,
add constraint endpoint_task_keep_check check (task_keep >= interval '1 hour');
comment on column artery.endpoint.task_keep is
'Its sent, cancelled and compensated tasks, with their history, are deleted when they ended so long '
'ago; null = artery.retention.ended_tasks, which none outlives. A repeated Request-ID is known as '
'long';

create table artery.task_trim (
    endpoint_id integer primary key references artery.endpoint (id) on delete cascade,
    began_at timestamptz not null,
    task_id bigint not null
);
comment on table artery.task_trim is
'How far the tasks are looked through for each endpoint that keeps them for a shorter time than '
'others; begun anew every day, for those that ended late';
grant select on artery.task_trim to artery_reader;
