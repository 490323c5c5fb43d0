create or replace function artery_mes._note_shortages(
    p_ids bigint[], p_refused artery_mes.report_draft[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    delete from artery_mes.report_shortage as s
    where s.report_id = any(p_ids);
    insert into artery_mes.report_shortage (report_id, item_code, warehouse_code, missing)
    select
        (d.report).id,
        r.value ->> 'item',
        r.value ->> 'warehouse',
        sum((r.value ->> 'missing')::numeric)
    from unnest(p_refused) as d
    cross join lateral jsonb_array_elements(d.reasons) as r (value)
    where d.parked and r.value ? 'missing'
    group by 1, 2, 3;
end
$function$;
comment on function artery_mes._note_shortages(bigint[], artery_mes.report_draft[]) is
'Notes the stock that parked reports wait for, forgets what these ones waited for before';
revoke execute on function artery_mes._note_shortages(bigint[], artery_mes.report_draft[])
    from public;
