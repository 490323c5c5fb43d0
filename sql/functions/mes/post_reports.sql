/* Orders are locked before balances, both in their own order, each once: whatever else posts at the
   same time waits and never deadlocks. */
create or replace function artery_mes.post_reports(p_messages artery_mes.report_message[])
returns setof artery_mes.report_verdict
language plpgsql
volatile
rows 500
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_drafts artery_mes.report_draft[];
    v_done artery_mes.report_draft[];
    v_reversals artery_mes.report_draft[];
    v_draft artery_mes.report_draft;
begin
    perform 1
    from artery_erp.manufacturing_order as mo
    where mo.mo_no in (select m.mo_no from unnest(p_messages) as m)
    order by mo.mo_no
    for no key update;

    select
        coalesce(array_agg(d) filter (where d.reasons is null and (d.report).kind <> 'reversal'), '{}'),
        coalesce(array_agg(d) filter (where d.reasons is null and (d.report).kind = 'reversal'), '{}'),
        array_agg(d) filter (where d.reasons is not null)
    into v_drafts, v_reversals, v_done
    from artery_mes._check_reports(p_messages) as d;
    v_done := v_done || artery_mes._backflush(v_drafts, v_reversals);
    -- few, and each refused by itself: one after the other
    foreach v_draft in array v_reversals loop
        v_done := array_append(v_done, artery_mes._reverse_report(v_draft));
    end loop;
    perform artery_mes._note_shortages(array(select m.id from unnest(p_messages) as m), v_done);

    return query
    select
        (d.report).id,
        case when d.reasons is null then 'processed' when d.parked then 'parked' else 'rejected' end,
        case when d.reasons is null then jsonb_build_object(
            'mo_no', (d.report).mo_no, 'posting_id', (d.report).posting_id
        ) end,
        d.reasons
    from unnest(v_done) as d;
end
$function$;
comment on function artery_mes.post_reports(artery_mes.report_message[]) is
'Posts production reports: components, finished goods and progress in one transaction, each report whole or not at all; '
'gives what became of each. One call a transaction';
revoke execute on function artery_mes.post_reports(artery_mes.report_message[]) from public;
