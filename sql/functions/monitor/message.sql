-- Definer: operators may read what a message says, as they may have it processed again
create or replace function artery_monitor.message(p_table text, p_id bigint)
returns table (
    id bigint,
    source text,
    message_id text,
    status text,
    body text,
    received_at timestamptz,
    attempts integer,
    processed_at timestamptz,
    result jsonb,
    reasons jsonb,
    history jsonb
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
            s.id, s.source, s.message_id, s.status, s.body::text, s.received_at, s.attempts, s.processed_at,
            s.result, s.reasons, s.history
        from %s as s
        where s.id = $1
        $sql$,
        (select i.table_name from artery_staging._inbox(p_table) as i)
    ) using p_id;
end
$function$;
comment on function artery_monitor.message(text, bigint) is
'One message of an inbox, whole; no row = no such message. Errors: IN017 no such inbox';
grant execute on function artery_monitor.message(text, bigint) to artery_operator;
