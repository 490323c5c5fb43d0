/* Endpoints that keep their calls for less time than the log's partitions are kept. Deleted are
   whole days that are over, in which nothing is inserted any more, a partition at a time and for
   all such endpoints together; the space serves nothing else, but goes with the partition. How far
   each is cleared is remembered, so that a day is read once, and again only if log_keep is made
   shorter. */
create or replace function artery.trim_logs(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    v_day record;
    v_rows bigint;
    v_count bigint := 0::bigint;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the name went through %I
    for v_day in
        select
            format('%I.%I', n.nspname, c.relname) as name,
            d.day_end,
            array_agg(e.id) as endpoints
        from pg_catalog.pg_inherits as i
        inner join pg_catalog.pg_class as c on c.oid = i.inhrelid
        inner join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        cross join lateral (
            select (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamptz as day_end
        ) as d
        inner join artery.endpoint as e on d.day_end <= clock_timestamp() - e.log_keep
        left join artery.log_trim as l on l.endpoint_id = e.id
        where
            i.inhparent = 'artery.cloud_log'::regclass
            and c.relname ~ '_\d{8}$'
            and (l.trimmed_until is null or l.trimmed_until < d.day_end)
        group by n.nspname, c.relname, d.day_end
        order by d.day_end
    loop
        exit when clock_timestamp() >= p_until;
        execute format('delete from %s where endpoint_id = any($1)', v_day.name) using v_day.endpoints;
        get diagnostics v_rows = row_count;
        v_count := v_count + v_rows;
        insert into artery.log_trim (endpoint_id, trimmed_until)
        select
            u.endpoint_id,
            v_day.day_end
        from unnest(v_day.endpoints) as u (endpoint_id)
        on conflict (endpoint_id) do update
        set trimmed_until = excluded.trimmed_until;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('trim_logs', 'artery.trim_logs', '1 hour', 89)
on conflict (name) do nothing;

comment on function artery.trim_logs(timestamptz) is
'Sweep step: deletes calls past their endpoint''s log_keep, a day at a time; returns how many';
grant execute on function artery.trim_logs(timestamptz) to artery_admin;
