create or replace function artery.create_partitions(p_until timestamptz)
returns bigint
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
select count(*) filter (where artery._ensure_partition(p.parent::regclass, d.day))
from artery.partitioning as p
cross join lateral generate_series(
    clock_timestamp(), clock_timestamp() + p.days_ahead * interval '1 day', interval '1 day'
) as d (day)
$function$;
comment on function artery.create_partitions(timestamptz) is
'Sweep step: makes the daily partitions of today and the days ahead; returns how many. p_until is '
'not needed';
grant execute on function artery.create_partitions(timestamptz) to artery_admin;
