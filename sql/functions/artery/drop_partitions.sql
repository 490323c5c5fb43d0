-- A partition goes when the whole of its day is older than its table keeps
create or replace function artery.drop_partitions(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '2s'
as $function$
declare
    v_old record;
    v_count bigint := 0::bigint;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the name went through %I
    for v_old in
        select format('%I.%I', n.nspname, c.relname) as name
        from artery.partitioning as p
        inner join pg_catalog.pg_inherits as i on i.inhparent = p.parent::regclass
        inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
        inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where
            c.relname ~ '_\d{8}$'
            and to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= (clock_timestamp() - p.keep) at time zone 'UTC'
        order by right(c.relname, 8)
    loop
        exit when clock_timestamp() >= p_until;
        execute 'drop table ' || v_old.name;
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;
comment on function artery.drop_partitions(timestamptz) is
'Sweep step: drops partitions past the age that artery.partitioning keeps; returns how many';
grant execute on function artery.drop_partitions(timestamptz) to artery_admin;
