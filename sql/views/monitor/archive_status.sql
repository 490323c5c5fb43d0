create or replace view artery_monitor.archive_status
with (security_invoker = true)
as
with waiting as (
    select
        o.parent,
        count(*) as partitions,
        min(o.day) as first_day,
        sum(pg_catalog.pg_total_relation_size(to_regclass(o.partition))) as bytes
    from artery._old_partitions() as o
    group by o.parent
),

archived as (
    select
        a.parent,
        count(*) filter (where a.status = 'begun') as begun,
        min(a.begun_at) filter (where a.status = 'begun') as begun_since,
        count(*) filter (where a.status <> 'begun') as archived,
        sum(a.row_count) filter (where a.status <> 'begun') as archived_rows,
        max(a.verified_at) as last_at
    from artery.partition_archive as a
    group by a.parent
)

select -- noqa: ST06
    p.parent,
    p.keep,
    p.archive_before_drop,
    coalesce(w.partitions, 0) as waiting,
    w.first_day as waiting_from,
    round((
        extract(epoch from statement_timestamp() - p.keep)
        - extract(epoch from (w.first_day + 1)::timestamp at time zone 'UTC')
    ) / 86400, 1) as days_behind,
    coalesce(w.bytes, 0)::bigint as waiting_bytes,
    coalesce(a.begun, 0) as unfinished,
    a.begun_since as unfinished_since,
    coalesce(a.archived, 0) as archived,
    coalesce(a.archived_rows, 0)::bigint as archived_rows,
    a.last_at,
    p.problem,
    p.problem_since
from artery.partitioning as p
left join waiting as w on p.parent = w.parent
left join archived as a on p.parent = a.parent;

comment on view artery_monitor.archive_status is
'Retention of partitioned tables: what is past its age and still there, since when, how many partitions have been '
'archived, what stopped the sweep';
grant select on artery_monitor.archive_status to artery_reader;
