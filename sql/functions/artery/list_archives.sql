create or replace function artery.list_archives(p_parent text default null)
returns table (
    parent text, partition text, day date, state text, row_count bigint, bytes bigint, file text,
    at timestamptz, id bigint
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    o.parent,
    o.partition,
    o.day,
    case when o.detaching then 'detaching' when a.id is not null then 'begun' else 'waiting' end,
    (select greatest(c.reltuples, 0)::bigint from pg_catalog.pg_class as c where c.oid = to_regclass(o.partition)),
    pg_catalog.pg_total_relation_size(to_regclass(o.partition)),
    null,
    a.begun_at,
    a.id
from artery._old_partitions() as o
left join artery.partition_archive as a on a.partition = o.partition and a.status = 'begun'
where o.parent = coalesce(p_parent, o.parent)
union all
select
    a.parent,
    a.partition,
    a.day,
    case a.status when 'begun' then 'detached' else a.status end,
    a.row_count,
    coalesce(a.bytes, pg_catalog.pg_total_relation_size(to_regclass(a.partition))),
    a.file,
    coalesce(a.dropped_at, a.verified_at, a.begun_at),
    a.id
from artery.partition_archive as a
where
    a.parent = coalesce(p_parent, a.parent)
    and not exists (select from artery._old_partitions() as o where o.partition = a.partition and a.status = 'begun')
order by 1, 3, 9
$function$;
comment on function artery.list_archives(text) is
'Partitions past their age and what became of them: waiting, detaching, begun, detached (no file yet), verified (file '
'read back), dropped (in the file alone). row_count of what has no file is an estimate; bytes are the file''s, else '
'the table''s';
grant execute on function artery.list_archives(text) to artery_reader;
