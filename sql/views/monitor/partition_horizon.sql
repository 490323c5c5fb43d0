create or replace view artery_monitor.partition_horizon
with (security_invoker = true)
as
select -- noqa: ST06
    p.parent,
    count(i.inhrelid) as partitions,
    min(d.day) as first_day,
    max(d.day) as last_day,
    -- up to the first day that has none: a later one does not help
    (
        select min(g.n) - 1
        from generate_series(0, 400) as g (n)
        where
            count(i.inhrelid) > 0
            and (statement_timestamp() at time zone 'UTC')::date + g.n
            <> all(array_remove(array_agg(d.day), null))
    ) as days_left,
    p.days_ahead,
    p.keep,
    sum(pg_catalog.pg_total_relation_size(i.inhrelid))::bigint as bytes
from artery.partitioning as p
left join pg_catalog.pg_inherits as i
    on to_regclass(p.parent) = i.inhparent and not i.inhdetachpending
left join pg_catalog.pg_class as c on i.inhrelid = c.oid
-- the upper bound says which day a partition holds, whatever its name
cross join lateral ( -- noqa: ST05
    select (substring(
        pg_catalog.pg_get_expr(c.relpartbound, c.oid) from $re$TO \('([^']+)'\)$re$
    )::timestamptz at time zone 'UTC')::date - 1 as day
) as d
group by p.parent, p.days_ahead, p.keep;

comment on view artery_monitor.partition_horizon is
'Partitioned tables: days that have a partition, days left until the first that has none, size in bytes';
grant select on artery_monitor.partition_horizon to artery_reader;
