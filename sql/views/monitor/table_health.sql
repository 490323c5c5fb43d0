create or replace view artery_monitor.table_health
with (security_invoker = true)
as
select -- noqa: ST06
    s.schemaname || '.' || s.relname as relation,
    s.n_live_tup as live_rows,
    s.n_dead_tup as dead_rows,
    round(s.n_dead_tup::numeric / nullif(s.n_live_tup + s.n_dead_tup, 0), 3) as dead_share,
    pg_catalog.pg_table_size(s.relid) as table_bytes,
    pg_catalog.pg_indexes_size(s.relid) as index_bytes,
    greatest(s.last_vacuum, s.last_autovacuum) as vacuumed_at,
    greatest(s.last_analyze, s.last_autoanalyze) as analyzed_at
from pg_catalog.pg_stat_user_tables as s
where s.schemaname ~ '^artery(_|$)';

comment on view artery_monitor.table_health is
'Tables of pg_artery: rows, dead rows not yet vacuumed, sizes in bytes, last vacuum and analyze';
grant select on artery_monitor.table_health to artery_reader;
