/* The exact inverse of a report: its moves, of the same lots, what its lines were issued, what it
   counted. Order and balances are locked. */
create or replace function artery_mes._reverse_report(p_draft artery_mes.report_draft)
returns artery_mes.report_draft
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_draft artery_mes.report_draft := p_draft;
    v_report artery_mes.production_report;
    v_id constant bigint := (p_draft.report).id;
begin
    select r.*
    into v_report
    from artery_mes.production_report as r
    where
        r.source = (p_draft.report).source
        and r.report_id = p_draft.reverses_report
        and r.kind <> 'reversal'
        and not exists (
            select from artery_mes.production_report as x where x.reverses = r.id
        );
    if not found then
        v_draft.parked := false;
        v_draft.reasons := jsonb_build_array(artery._reason(
            'IN311',
            format('%s posted no report %s that is not taken back yet', (p_draft.report).source, p_draft.reverses_report),
            'reverses names the report_id of a posted report of the same source.', '/reverses'
        ));
        return v_draft;
    end if;

    -- what is refused for want of stock leaves nothing behind
    begin
        v_report.posting_id := artery_erp.reverse_posting(v_report.posting_id, (p_draft.report).reason);
    exception when sqlstate 'IN107' then
        select
            bool_and(coalesce(i.negative_stock, w.negative_stock) = 'shortage'),
            jsonb_agg(artery._reason(
                'IN107', format('%s of item %s are gone from %s', trim_scale(m.quantity - b.quantity), m.item_code, m.warehouse_code),
                'Bring them back, then it is posted; or post a report that corrects it.', '/reverses'
            ) || jsonb_build_object(
                'item', m.item_code, 'warehouse', m.warehouse_code, 'missing', m.quantity - b.quantity
            ))
        into v_draft.parked, v_draft.reasons
        from artery_erp.stock_move as m
        inner join artery_erp.stock_balance as b
            on
            b.item_code = m.item_code
            and b.warehouse_code = m.warehouse_code
            and b.lot_no = m.lot_no
        inner join artery_erp.item as i on i.code = m.item_code
        inner join artery_erp.warehouse as w on w.code = m.warehouse_code
        where m.posting_id = v_report.posting_id and m.quantity > b.quantity;
        return v_draft;
    end;

    v_report.reverses := v_report.id;
    v_report.id := v_id;
    v_report.report_id := (p_draft.report).report_id;
    v_report.kind := 'reversal';
    v_report.good := -v_report.good;
    v_report.scrap := -v_report.scrap;
    v_report.rework := -v_report.rework;
    v_report.reason := (p_draft.report).reason;
    select
        p.effective_at,
        p.posted_at
    into strict v_report.reported_at, v_report.posted_at
    from artery_erp.stock_posting as p
    where p.id = v_report.posting_id;
    insert into artery_mes.production_report
    select v_report.*;

    update artery_erp.manufacturing_order_line as l
    set issued = trim_scale(l.issued + m.covers)
    from (
        select
            x.document_line,
            sum(x.covers) as covers
        from artery_erp.stock_move as x
        where x.posting_id = v_report.posting_id and x.document_line is not null
        group by x.document_line
    ) as m
    where l.mo_no = v_report.mo_no and l.line_no = m.document_line;
    perform artery_mes._count_progress(array[v_report]);
    v_draft.report := v_report;
    return v_draft;
end
$function$;
comment on function artery_mes._reverse_report(artery_mes.report_draft) is
'Takes a posted report back, once; gives the draft back, posted, or with its reasons where what was made is gone';
revoke execute on function artery_mes._reverse_report(artery_mes.report_draft) from public;
