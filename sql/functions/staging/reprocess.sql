create or replace function artery_staging.reprocess(
    p_table text, p_ids bigint[], p_reason text default null
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_inbox record;
    v_count bigint;
    v_others text;
begin
    -- @plpgsql_check_options: security_warnings = off, performance_warnings = off
    -- the names of tables are checked where they are registered; what is dynamic writes
    select i.*
    into v_inbox
    from artery_staging._inbox(p_table) as i;
    execute format(
        $sql$
        with again as (
            update %1$s as s
            set
                status = 'new',
                attempts = 0,
                due_at = clock_timestamp(),
                processed_at = null,
                reasons = null,
                history = coalesce(s.history, '[]') || jsonb_strip_nulls(jsonb_build_object(
                    'at', clock_timestamp(), 'by', session_user, 'why', $2, 'reasons', s.reasons
                ))
            where s.id = any($1) and s.status = 'rejected'
            returning s.id
        )

        select
            (select count(*) from again),
            (
                select string_agg(i.id::text, ', ' order by i.id)
                from unnest($1) as i (id)
                where i.id not in (select a.id from again as a)
            )
        $sql$,
        v_inbox.table_name
    )
    into v_count, v_others
    using p_ids, p_reason;
    if v_others is not null then
        raise exception using
            errcode = 'IN018',
            message = 'only rejected messages can be processed again; nothing was changed',
            detail = format('Not rejected, or not there: %s.', left(v_others, 500)),
            hint = format('select id, status from %s tells what they are.', v_inbox.table_name);
    end if;
    return v_count;
end
$function$;

comment on function artery_staging.reprocess(text, bigint[], text) is
'Has rejected messages processed again, after what stood in their way was mended; who, when, why and the reasons '
'until then go to the row''s history. Returns how many. Errors: IN017 no such inbox, IN018 one is not rejected';
grant execute on function artery_staging.reprocess(text, bigint[], text) to artery_operator;
