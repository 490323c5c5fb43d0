create or replace function artery_staging._violations(p_table text, p_sweep interval)
returns table (detail text, messages bigint, ids bigint[])
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off, extra_warnings = off
    -- the inbox's own row gives the name, which was checked when it was registered
    return query execute format(
        $sql$
        select
            f.finding,
            count(*),
            (array_agg(f.id order by f.id))[1:100]
        from (
            select
                s.id,
                case
                    when s.status in ('new', 'parked') and s.due_at < statement_timestamp() - $1
                        then 'due, and no sweep has processed it: nobody calls artery.tick(), or it is behind'
                    when s.status = 'rejected' and coalesce(jsonb_typeof(s.reasons) <> 'array' or s.reasons = '[]', true)
                        then 'rejected without a reason'
                    when s.status in ('processed', 'rejected') and s.processed_at is null
                        then 'decided without a time'
                end as finding
            from %s as s
        ) as f
        where f.finding is not null
        group by f.finding
        $sql$,
        (select i.table_name from artery_staging._inbox(p_table) as i)
    ) using p_sweep;
end
$function$;
comment on function artery_staging._violations(text, interval) is
'Messages of an inbox that are neither done, nor rejected with a reason, nor about to be processed';
grant execute on function artery_staging._violations(text, interval) to artery_reader;
