/* The processor of artery_staging.mes_production_report. Orders are locked before balances, both in
   their own order, each once: whatever else posts at the same time waits and never deadlocks. */
create or replace function artery_mes.post_production_reports(p_ids bigint[])
returns void
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
    v_drafts artery_mes.report_draft[];
    v_good artery_mes.report_draft[];
    v_draft artery_mes.report_draft;
begin
    perform 1
    from artery_erp.manufacturing_order as mo
    where mo.mo_no in (select r.mo_no from artery_mes._read_reports(p_ids) as r)
    order by mo.mo_no
    for no key update;

    v_drafts := array(select d from artery_mes._check_reports(p_ids) as d);
    perform artery_mes._refuse_reports(array(
        select d from unnest(v_drafts) as d where d.reasons is not null
    ));
    v_good := array(select d from unnest(v_drafts) as d where d.reasons is null);
    if v_good = '{}' then
        return;
    end if;
    perform artery_mes._backflush(array(
        select d from unnest(v_good) as d where (d.report).kind <> 'reversal'
    ), array(
        select d from unnest(v_good) as d where (d.report).kind = 'reversal'
    ));
    -- few, and each refused by itself: one after the other
    foreach v_draft in array v_good loop
        if (v_draft.report).kind = 'reversal' then
            perform artery_mes._reverse_report(v_draft);
        end if;
    end loop;
end
$function$;
comment on function artery_mes.post_production_reports(bigint[]) is
'Posts production reports: messages of artery_staging.mes_production_report, locked by the caller. Each ends '
'processed, rejected or parked; components, finished goods, progress in one transaction. One call a transaction';
grant execute on function artery_mes.post_production_reports(bigint[]) to artery_operator;
