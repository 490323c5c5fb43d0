-- The set-up rather than the work: what a DBA would ask before trusting it
create or replace function artery_monitor.doctor()
returns table (subject text, state text, found text, mend text)
language sql
stable
set search_path = ''
as $function$
select
    'PostgreSQL',
    case when v.number between 150000 and 189999 then 'ok' else 'warning' end,
    current_setting('server_version'),
    case when v.number not between 150000 and 189999 then 'Supported are 15 to 18.' end
from (select current_setting('server_version_num')::integer as number) as v
union all
select
    'extension ' || x.name,
    case when e.extname is not null then 'ok' else 'info' end,
    coalesce(e.extversion, 'not installed'),
    case when e.extname is null then x.cost end
from (
    values
    ('pg_cron', 'Sweeps run while some `artery run` does. With it they run by themselves: artery.schedule_sweeps().'),
    ('pg_jsonschema', 'JSON Schemas are checked by our own function, which is slower.'),
    ('timescaledb', 'Sensor readings lie in daily partitions, not compressed.'),
    ('pg_stat_statements', 'Slow statements are harder to find.')
) as x (name, cost)
left join pg_catalog.pg_extension as e on e.extname = x.name
union all
select
    'setting ' || s.name,
    case when s.setting = b.good then 'ok' else b.severity end,
    s.setting,
    case when s.setting <> b.good then b.cost end
from (
    values
    ('fsync', 'on', 'critical', 'A crash corrupts the database: set it to on.'),
    ('full_page_writes', 'on', 'critical', 'A crash may corrupt the database: set it to on.'),
    ('synchronous_commit', 'on', 'warning', 'A crash loses commits that were confirmed, orders among them: set it to on.'),
    ('autovacuum', 'on', 'critical', 'The queue slows down without end: set it to on.'),
    ('track_counts', 'on', 'critical', 'Autovacuum needs it: set it to on.')
) as b (name, good, severity, cost)
inner join pg_catalog.pg_settings as s on s.name = b.name
-- what waits for a standby is safer still
where not (b.name = 'synchronous_commit' and s.setting in ('remote_apply', 'remote_write'))
union all
select
    'role ' || r.role,
    case when count(m.oid) > 0 then 'ok' else 'warning' end,
    coalesce(string_agg(m.rolname, ', ' order by m.rolname), 'nobody has it'),
    case when count(m.oid) = 0 then format('%s: grant %I to the login that does it.', r.purpose, r.role) end
from (
    values
    ('artery_runner', '`artery run` logs in with it'),
    ('artery_app', 'the ERP''s own role enqueues and calls artery_api_v1 with it'),
    ('artery_operator', 'people retry and cancel with it')
) as r (role, purpose)
left join
    pg_catalog.pg_roles as m
    on m.rolcanlogin
    and not m.rolsuper
    and pg_catalog.pg_has_role(m.oid, (select g.oid from pg_catalog.pg_roles as g where g.rolname = r.role), 'member')
group by r.role, r.purpose
union all
select
    'vacuum',
    case when max(h.transactions) > 1000000 or min(h.since) < statement_timestamp() - interval '30 minutes' then 'warning' else 'ok' end,
    case
        when count(*) = 0 then 'nothing holds it back'
        else format(
            '%s holders, the oldest %s transactions back, since %s', count(*), max(h.transactions),
            coalesce(date_trunc('second', min(h.since))::text, '-')
        )
    end,
    case
        when max(h.transactions) > 1000000 or min(h.since) < statement_timestamp() - interval '30 minutes'
            then 'artery_monitor.xmin_holders tells who: end the session, drop the slot, or settle the prepared transaction.'
    end
from artery_monitor.xmin_holders as h
union all
select
    'dead rows',
    case when t.dead_rows > 100000 and t.dead_share > 0.5 then 'warning' else 'ok' end,
    format('%s: %s of %s rows', t.relation, t.dead_rows, t.dead_rows + t.live_rows),
    case
        when t.dead_rows > 100000 and t.dead_share > 0.5
            then 'vacuum (verbose) ' || t.relation || '; if it cannot remove them, see the line vacuum.'
    end
from artery_monitor.table_health as t
where t.relation = 'artery.integration_task'
union all
select
    'notification queue',
    case when n.usage > 0.5 then 'critical' when n.usage > 0.1 then 'warning' else 'ok' end,
    round((n.usage * 100)::numeric, 1) || ' % full',
    case
        when n.usage > 0.1
            then 'Some session listens and sits in a transaction; if the queue fills up, NOTIFY and so commits fail. End it.'
    end
from (select pg_catalog.pg_notification_queue_usage() as usage) as n
$function$;

comment on function artery_monitor.doctor() is
'The set-up: state (ok, info, warning, critical), what was found, what to do or what it costs';
grant execute on function artery_monitor.doctor() to artery_reader;
