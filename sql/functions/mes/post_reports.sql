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
    v_refused artery_mes.report_draft[];
    v_reversals artery_mes.report_draft[];
    v_draft artery_mes.report_draft;
    v_ids constant bigint[] := array(select m.id from unnest(p_messages) as m);
begin
    perform 1
    from artery_erp.manufacturing_order as mo
    where mo.mo_no in (select m.mo_no from unnest(p_messages) as m)
    order by mo.mo_no
    for no key update;

    v_drafts := array(select d from artery_mes._check_reports(p_messages) as d);
    v_refused := array(select d from unnest(v_drafts) as d where d.reasons is not null);
    v_reversals := array(
        select d from unnest(v_drafts) as d
        where d.reasons is null and (d.report).kind = 'reversal'
    );
    v_refused := v_refused || artery_mes._backflush(array(
        select d from unnest(v_drafts) as d
        where d.reasons is null and (d.report).kind <> 'reversal'
    ), v_reversals);
    -- few, and each refused by itself: one after the other
    foreach v_draft in array v_reversals loop
        v_draft := artery_mes._reverse_report(v_draft);
        if v_draft.reasons is not null then
            v_refused := array_append(v_refused, v_draft);
        end if;
    end loop;
    perform artery_mes._note_shortages(v_ids, v_refused);

    return query
    select
        (d.report).id,
        case when d.parked then 'parked' else 'rejected' end,
        null::jsonb,
        d.reasons
    from unnest(v_refused) as d
    union all
    select
        r.id,
        'processed',
        jsonb_build_object('mo_no', r.mo_no, 'posting_id', r.posting_id),
        null
    from artery_mes.production_report as r
    where r.id = any(v_ids);
end
$function$;
comment on function artery_mes.post_reports(artery_mes.report_message[]) is
'Posts production reports: components, finished goods and progress in one transaction, each report whole or not at all; '
'gives what became of each. One call a transaction';
revoke execute on function artery_mes.post_reports(artery_mes.report_message[]) from public;
