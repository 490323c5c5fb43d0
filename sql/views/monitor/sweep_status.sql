create or replace view artery_monitor.sweep_status
with (security_invoker = true)
as
select -- noqa: ST06
    s.name,
    s.every,
    case
        when not s.enabled then 'disabled'
        when s.started_at is null and s.next_run_at > statement_timestamp() then 'not yet due'
        when s.started_at is null then 'never run'
        -- a minute's grace: pg_cron 1.4 comes by once a minute
        when s.next_run_at < statement_timestamp() - greatest(s.every, interval '1 minute')
            then 'overdue'
        else s.outcome
    end as state,
    s.started_at,
    s.ended_at,
    s.ended_at - s.started_at as took,
    s.work,
    s.runs,
    s.failures,
    s.error ->> 'message' as error
from artery.sweep_step as s;

comment on view artery_monitor.sweep_status is
'What artery.tick() runs: each step''s last run and outcome; overdue = nobody calls artery.tick()';
grant select on artery_monitor.sweep_status to artery_reader;
