-- Not those whose session has gone on to something else, or has ended: another may have its pid
create or replace function artery._overdue_steps()
returns table (name text, pid integer)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    s.name,
    s.backend_pid
from artery.sweep_step as s
where
    s.started_at > coalesce(s.ended_at, '-infinity')
    and s.started_at < clock_timestamp() - 2 * s.time_limit - interval '5 seconds'
    -- a step at work holds this lock (artery._run_step)
    and exists (
        select from pg_catalog.pg_locks as l
        where
            l.pid = s.backend_pid
            and l.locktype = 'advisory'
            and l.objsubid = 1
            and l.granted
            and (l.classid::bigint << 32 | l.objid::bigint)
            = hashtextextended('artery.sweep_step.' || s.name, 0)
    )
$function$;
comment on function artery._overdue_steps() is
'Sweep steps at work for more than twice their time limit and five seconds, and their server processes';
grant execute on function artery._overdue_steps() to artery_runner, artery_admin;

/* A step that ignores its time limit keeps its whole tick, and no statement_timeout can be set from
   within a statement. So another session cancels it. Invoker, since a session may be cancelled by
   its own role or a superuser: runners cancel for each other, whoever runs pg_cron's job needs a
   statement_timeout. */
create or replace function artery.cancel_overdue_steps()
returns integer
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select (count(*) filter (where case when a.usename = current_user then pg_cancel_backend(o.pid) end))::integer
from artery._overdue_steps() as o
inner join pg_catalog.pg_stat_activity as a on a.pid = o.pid
$function$;
comment on function artery.cancel_overdue_steps() is
'Cancels sweep steps that this role runs in other sessions and that ignore their time limit; they '
'end as failed. Returns how many';
grant execute on function artery.cancel_overdue_steps() to artery_runner, artery_admin;
