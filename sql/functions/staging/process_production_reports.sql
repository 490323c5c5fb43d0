create or replace function artery_staging.process_production_reports(p_ids bigint[])
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_verdicts artery_mes.report_verdict[];
begin
    if artery_erp.adopted('production_report') is not null then
        perform artery_staging._take_adopted_reports(p_ids);
        return;
    end if;
    -- in a command of its own: posting wakes parked messages, which may be among these
    v_verdicts := array(
        select v
        from artery_mes.post_reports(array(
            select m
            from artery_staging._read_production_reports(p_ids) as m
        )) as v
    );
    update artery_staging.mes_production_report as s
    set
        status = v.status,
        processed_at = case when v.status <> 'parked' then clock_timestamp() end,
        attempts = s.attempts + (v.status <> 'parked')::integer,
        result = v.result,
        reasons = v.reasons
    from unnest(v_verdicts) as v
    where s.id = v.id;
end
$function$;

insert into artery_staging.inbox (table_name, processor, batch_size)
values (
    'artery_staging.mes_production_report',
    'artery_staging.process_production_reports(bigint[])',
    2000
)
on conflict do nothing;

comment on function artery_staging.process_production_reports(bigint[]) is
'Processor of artery_staging.mes_production_report: posts reports (artery_mes.post_reports) whose rows the caller has '
'locked, or hands them to the adopted ERP; each ends processed, rejected or parked';
grant execute on function artery_staging.process_production_reports(bigint[]) to artery_operator;
