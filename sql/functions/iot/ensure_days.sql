-- A hypertable makes its chunks itself
create or replace function artery_iot.ensure_days(p_table regclass, p_days timestamptz[])
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select artery._ensure_partition(p_table, d.day)
from unnest(p_days) as d (day)
inner join pg_catalog.pg_class as c on c.oid = p_table and c.relkind = 'p'
$function$;

comment on function artery_iot.ensure_days(regclass, timestamptz[]) is
'Makes the daily partitions that late readings need and that are not there';
revoke execute on function artery_iot.ensure_days(regclass, timestamptz[]) from public;
