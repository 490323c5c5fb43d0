create or replace function artery._old_partitions()
returns table (parent text, partition text, day date, detaching boolean, waits boolean)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    p.parent,
    format('%I.%I', n.nspname, c.relname),
    to_date(right(c.relname, 8), 'YYYYMMDD'),
    i.inhdetachpending,
    p.archive_before_drop
    or exists (
        select from artery.partition_archive as a
        where a.partition = format('%I.%I', n.nspname, c.relname) and a.status <> 'dropped'
    )
from artery.partitioning as p
inner join pg_catalog.pg_inherits as i on i.inhparent = to_regclass(p.parent)
inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where
    c.relname ~ '_\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$'
    and to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= (clock_timestamp() - p.keep) at time zone 'UTC'
$function$;
comment on function artery._old_partitions() is
'Daily partitions past the age that artery.partitioning keeps. detaching: a DETACH CONCURRENTLY was begun and not '
'ended; waits: `artery archive run` drops it, not the sweep';
grant execute on function artery._old_partitions() to artery_reader;
