-- Definer: readers see which messages wait or were rejected and why, not what is in them
create or replace function artery_monitor.find_messages(
    p_table text,
    p_status text default null,
    p_limit integer default 50
)
returns table (
    id bigint,
    source text,
    message_id text,
    status text,
    received_at timestamptz,
    attempts integer,
    processed_at timestamptz,
    codes text,
    reasons jsonb
)
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
            s.id, s.source, s.message_id, s.status, s.received_at, s.attempts, s.processed_at,
            (select string_agg(distinct r.value ->> 'code', ', ') from jsonb_array_elements(s.reasons) as r (value)),
            s.reasons
        from %s as s
        where $1 is null or s.status = $1
        order by s.id desc
        limit $2
        $sql$,
        (select i.table_name from artery_staging._inbox(p_table) as i)
    ) using p_status, p_limit;
end
$function$;

comment on function artery_monitor.find_messages(text, text, integer) is
'Messages of an inbox, newest first: all, or those that are new, processed, parked or rejected, with their reasons. '
'Errors: IN017 no such inbox';
grant execute on function artery_monitor.find_messages(text, text, integer) to artery_reader;
