-- The set-up rather than the work: what a DBA would ask before trusting it
create or replace function artery_monitor.doctor()
returns table (subject text, state text, found text, mend text)
language sql
stable
set search_path = pg_catalog, pg_temp
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
    ('postgres_fdw', 'Shipping notices cannot be fetched from a PostgreSQL in the cloud: docs/cloud-database.md.'),
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
    ('track_counts', 'on', 'critical', 'Autovacuum needs it: set it to on.'),
    (
        'session_replication_role', 'origin', 'critical',
        'No trigger fires: nothing is validated, counted or enqueued. alter role or database … reset session_replication_role.'
    ),
    (
        'default_transaction_read_only', 'off', 'critical',
        'Nothing can be enqueued or delivered: alter role or database … reset default_transaction_read_only.'
    ),
    (
        'default_transaction_isolation', 'read committed', 'warning',
        'Work that meets other work fails and is tried again: alter role or database … reset default_transaction_isolation.'
    )
) as b (name, good, severity, cost)
inner join pg_catalog.pg_settings as s on s.name = b.name
where
    -- what waits for a standby is safer still
    not (b.name = 'synchronous_commit' and s.setting in ('remote_apply', 'remote_write'))
    -- the monitor page reads in sessions that are so by choice
    and not (b.name = 'default_transaction_read_only' and s.source = 'client')
union all
select
    'role ' || r.role,
    case when to_regrole(r.role) is null then 'critical' when count(m.oid) > 0 then 'ok' else 'warning' end,
    case
        when to_regrole(r.role) is null then 'it does not exist'
        else coalesce(string_agg(m.rolname, ', ' order by m.rolname), 'nobody has it')
    end,
    case
        when to_regrole(r.role) is null then format(
            'Roles belong to the server: a dump does not carry them. create role %I nologin; then restore again, or artery '
            'migrate on an empty database makes all of them (README, Backup and restore).', r.role
        )
        when count(m.oid) = 0 then format('%s: grant %I to the login that does it.', r.purpose, r.role)
    end
from (
    values
    ('artery_runner', '`artery run` logs in with it'),
    ('artery_app', 'the ERP''s own role enqueues and calls artery_api_v1 with it'),
    ('artery_operator', 'people retry and cancel with it'),
    ('artery_reader', 'people look with it, `artery status` and the monitor page too'),
    ('artery_admin', 'whoever sets up endpoints and routes does it with it')
) as r (role, purpose)
left join
    pg_catalog.pg_roles as m
    on m.rolcanlogin
    and not m.rolsuper
    and pg_catalog.pg_has_role(m.oid, (select g.oid from pg_catalog.pg_roles as g where g.rolname = r.role), 'member')
group by r.role, r.purpose
union all
select
    'suppliers',
    case when count(*) = 0 then 'ok' else 'critical' end,
    coalesce(string_agg(format('%s: %s', a.subject, a.problem), ' ' order by a.subject), 'each sees its own rows alone'),
    string_agg(a.mend, '; ' order by a.subject)
from artery_procurement.supplier_access_problem as a
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
union all
select
    'partitions of ' || h.parent,
    case
        when h.days_left < least(h.days_ahead, 2) then 'critical'
        -- none at all: no sweep has run yet
        when h.days_left is null or h.days_left < h.days_ahead / 2 then 'warning'
        else 'ok'
    end,
    case when h.days_left is null then 'there is none' else format('reach %s days ahead, of %s', h.days_left, h.days_ahead) end,
    case
        when h.days_left is null or h.days_left < greatest(h.days_ahead / 2, least(h.days_ahead, 2))
            then 'Rows without a partition are refused. The sweep step create_partitions makes them: is anybody calling '
                'artery.tick()? At once: call artery.tick()'
    end
from artery_monitor.partition_horizon as h
union all
select
    'server',
    case when pg_catalog.pg_is_in_recovery() then 'critical' else 'ok' end,
    case when pg_catalog.pg_is_in_recovery() then 'a standby: it only reads' else 'the primary' end,
    case
        when pg_catalog.pg_is_in_recovery()
            then 'Runners need the primary: name all hosts in the connection string, host=db1,db2; libpq finds the one that writes.'
    end
union all
select
    'connections',
    case when c.used > 0.9 * c.allowed then 'critical' when c.used > 0.75 * c.allowed then 'warning' else 'ok' end,
    format('%s of %s', c.used, c.allowed),
    case
        when c.used > 0.75 * c.allowed
            then 'When they are used up, runners and the ERP are refused: raise max_connections, or put pgbouncer before the ERP.'
    end
from (
    select sum(d.numbackends) as used, current_setting('max_connections')::integer as allowed
    from pg_catalog.pg_stat_database as d
) as c
union all
select
    'sending',
    case
        when not s.armed then 'critical'
        when w.standby and s.follows_promotion is null then 'warning'
        else 'ok'
    end,
    case
        when s.armed then format(
            'armed for this server%s, by %s at %s: %s', case when s.follows_promotion then ' and, promoted, its standbys' end,
            s.armed_by, date_trunc('second', s.armed_at), s.reason
        )
        else s.why
    end,
    case
        when not s.armed then s.mend
        when w.standby and s.follows_promotion is null
            then 'A standby follows. Once promoted, shall it go on by itself? artery arm --follow-promotion; shall a person decide '
                'then? artery arm. docs/backup.md has what speaks for each.'
    end
from artery.arming_status() as s
cross join (select exists (select from pg_catalog.pg_stat_replication) as standby) as w
where s.armed is not null
union all
select x.subject, x.state, x.found, x.mend from artery_monitor._cron_check() as x
union all
select
    'secrets',
    case when count(m.reference) > 0 then 'critical' else 'ok' end,
    coalesce('not in the vault: ' || string_agg(distinct m.reference, ', '), 'all that endpoints refer to are there'),
    case
        when count(m.reference) > 0
            then 'Tasks of these endpoints wait: artery vault set ' || split_part(min(m.reference), ':', 2) || ' --endpoint ' || min(m.endpoint)
    end
from artery_monitor._missing_secrets() as m
$function$;

comment on function artery_monitor.doctor() is
'The set-up: state (ok, info, warning, critical), what was found, what to do or what it costs';
grant execute on function artery_monitor.doctor() to artery_reader;
