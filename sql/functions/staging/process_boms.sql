create or replace function artery_staging.process_boms(p_ids bigint[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set work_mem = '64MB'
as $function$
declare
    v_message record;
    v_done record;
begin
    if current_setting('transaction_isolation') = 'repeatable read' then
        raise exception using
            errcode = 'active_sql_transaction',
            message = 'BOMs are not imported in a REPEATABLE READ transaction',
            detail = 'It would not see what others imported while it waited for its turn.',
            hint = 'Use READ COMMITTED, the default.';
    end if;
    -- one after the other: each stands or falls by itself, and sees the one before
    for v_message in
        select s.id, s.source, s.body
        from artery_staging.plm_bom as s
        where s.id = any(p_ids)
        order by s.id
    loop
        v_done := artery_staging._import_bom(v_message.id, v_message.source, v_message.body);
        update artery_staging.plm_bom as s
        set
            status = case when v_done.reasons = '[]' then 'processed' else 'rejected' end,
            processed_at = clock_timestamp(),
            attempts = s.attempts + 1,
            result = v_done.result,
            reasons = nullif(v_done.reasons, '[]')
        where s.id = v_message.id;
    end loop;
end
$function$;
insert into artery_staging.inbox (table_name, processor, batch_size)
values ('artery_staging.plm_bom', 'artery_staging.process_boms(bigint[])', 20)
on conflict (table_name) do nothing;

comment on function artery_staging.process_boms(bigint[]) is
'Processor of artery_staging.plm_bom: imports BOMs, items unknown until now as drafts';
revoke execute on function artery_staging.process_boms(bigint[]) from public;
