-- Definer: tells numbers to whoever may read the views, not the messages
create or replace function artery_staging._reject_reasons(p_table text)
returns table (
    code text,
    messages bigint,
    oldest timestamptz,
    newest timestamptz,
    sample text,
    sample_id bigint
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
            r.value ->> 'code',
            count(distinct s.id),
            min(s.received_at),
            max(s.received_at),
            (array_agg(r.value ->> 'message' order by s.id desc))[1],
            max(s.id)
        from (
            select
                m.id,
                m.received_at,
                m.reasons
            from %s as m
            where m.status = 'rejected'
            order by m.id desc
            limit 10000
        ) as s
        cross join lateral jsonb_array_elements(s.reasons) as r (value)
        group by r.value ->> 'code'
        $sql$,
        (select i.table_name from artery_staging._inbox(p_table) as i)
    );
end
$function$;
comment on function artery_staging._reject_reasons(text) is
'Why messages of an inbox are rejected, of its newest 10,000, by code';
grant execute on function artery_staging._reject_reasons(text) to artery_reader;
