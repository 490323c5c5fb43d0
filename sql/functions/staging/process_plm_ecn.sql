-- ECNs come one by one and each needs the BOMs as the one before left them: hence the loop.
create or replace function artery_staging.process_plm_ecn(p_ids bigint[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_row record;
    v_answer jsonb;
begin
    for v_row in
        select
            s.id,
            s.source,
            s.body
        from artery_staging.plm_ecn as s
        where s.id = any(p_ids)
        order by s.id
    loop
        v_answer := artery_plm.create_eco(v_row.body, v_row.source);
        update artery_staging.plm_ecn as s
        set
            status = case when v_answer ? 'reasons' then 'rejected' else 'processed' end,
            result = case when not v_answer ? 'reasons' then v_answer end,
            reasons = v_answer -> 'reasons'
        where s.id = v_row.id;
    end loop;
end
$function$;
insert into artery_staging.inbox (table_name, processor)
values ('artery_staging.plm_ecn', 'artery_staging.process_plm_ecn')
on conflict do nothing;

comment on function artery_staging.process_plm_ecn(bigint[]) is
'Processor of the inbox plm_ecn: makes ECOs of ECNs, or says everything that is wrong with them';
revoke execute on function artery_staging.process_plm_ecn(bigint[]) from public;
