create or replace function artery_mes._refuse_reports(p_drafts artery_mes.report_draft[])
returns void
language plpgsql
volatile
set search_path = ''
as $function$
begin
    delete from artery_mes.report_shortage as s
    using unnest(p_drafts) as d
    where s.report_id = (d.report).id;
    insert into artery_mes.report_shortage (report_id, item_code, warehouse_code, missing)
    select
        (d.report).id,
        r.value ->> 'item',
        r.value ->> 'warehouse',
        sum((r.value ->> 'missing')::numeric)
    from unnest(p_drafts) as d
    cross join lateral jsonb_array_elements(d.reasons) as r (value)
    where d.parked and r.value ? 'missing'
    group by 1, 2, 3;

    update artery_staging.mes_production_report as s
    set
        status = case when d.parked then 'parked' else 'rejected' end,
        processed_at = case when not d.parked then clock_timestamp() end,
        reasons = d.reasons
    from unnest(p_drafts) as d
    where s.id = (d.report).id;
end
$function$;
comment on function artery_mes._refuse_reports(artery_mes.report_draft[]) is
'Parks or rejects reports with their reasons; notes the stock that they wait for';
revoke execute on function artery_mes._refuse_reports(artery_mes.report_draft[]) from public;
