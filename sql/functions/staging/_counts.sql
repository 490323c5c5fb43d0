-- Definer: tells numbers to whoever may read the views, not the messages
create or replace function artery_staging._counts(p_table text)
returns table (waiting bigint, parked bigint, rejected bigint, oldest_due timestamptz)
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
            count(*) filter (where s.status = 'new'),
            count(*) filter (where s.status = 'parked'),
            (select count(*) from %1$s as r where r.status = 'rejected'),
            min(s.due_at) filter (where s.due_at <= statement_timestamp())
        from %1$s as s
        where s.status in ('new', 'parked')
        $sql$,
        (select i.table_name from artery_staging._inbox(p_table) as i)
    );
end
$function$;
comment on function artery_staging._counts(text) is 'Messages of an inbox that are not done, counted';
grant execute on function artery_staging._counts(text) to artery_reader;
