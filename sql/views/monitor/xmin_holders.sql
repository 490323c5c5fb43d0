/* Whatever holds back vacuum lets the queue's dead entries pile up. Other people's sessions show
   only to a superuser or a member of pg_read_all_stats. */
create or replace view artery_monitor.xmin_holders
with (security_invoker = true)
as
select
    'session' as kind,
    a.pid::text || coalesce(' ' || nullif(a.application_name, ''), '') as who,
    a.usename::text as role,
    a.datname::text as database,
    age(coalesce(a.backend_xmin, a.backend_xid)) as transactions,
    a.xact_start as since,
    a.state
from pg_catalog.pg_stat_activity as a
where coalesce(a.backend_xmin, a.backend_xid) is not null and a.pid <> pg_catalog.pg_backend_pid()
union all
select
    'replication slot' as kind,
    s.slot_name::text as who,
    null as role,
    s.database::text as database,
    greatest(age(s.xmin), age(s.catalog_xmin)) as transactions,
    null as since,
    case when s.active then 'active' else 'inactive' end as state
from pg_catalog.pg_replication_slots as s
where s.xmin is not null or s.catalog_xmin is not null
union all
select
    'prepared transaction' as kind,
    x.gid as who,
    x.owner::text as role,
    x.database::text as database,
    age(x.transaction) as transactions,
    x.prepared as since,
    'prepared' as state
from pg_catalog.pg_prepared_xacts as x;

comment on view artery_monitor.xmin_holders is
'What keeps vacuum from cleaning up: sessions, replication slots, prepared transactions; age in transactions';
grant select on artery_monitor.xmin_holders to artery_reader;
