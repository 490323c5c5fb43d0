/* A report that both takes and makes is told as such (via report). What reports of operations in
   between and the release take belongs to all lots of the order (via order). Reports that were
   taken back, and their reversals, are left out.

   Plain joins, and lots as the index of the ledger has them: a filter on a lot, made or taken, or
   on an order reads what belongs to it and no more. */
create or replace view artery_mes.lot_genealogy
with (security_invoker = true) as
select
    r.mo_no,
    p.item_code as made_item,
    c.document_line as line_no,
    c.item_code as component_item,
    nullif(p.lot_no, '') as made_lot,
    nullif(c.lot_no, '') as component_lot,
    -sum(c.quantity) as quantity,
    'report' as via
from artery_erp.stock_move as p
inner join artery_mes.production_report as r on p.posting_id = r.posting_id
inner join artery_erp.stock_move as c on r.posting_id = c.posting_id and c.document_line is not null
where
    p.document_line is null
    and r.kind <> 'reversal'
    and not exists (
        select from artery_mes.production_report as x
        where x.reverses = r.id
    )
group by
    r.mo_no, p.item_code, nullif(p.lot_no, ''), c.document_line, c.item_code, nullif(c.lot_no, '')

union all

select
    r.mo_no,
    p.item_code as made_item,
    c.document_line as line_no,
    c.item_code as component_item,
    nullif(p.lot_no, '') as made_lot,
    nullif(c.lot_no, '') as component_lot,
    -- as often as reports made the lot
    trim_scale(-sum(c.quantity) / count(distinct p.posting_id)) as quantity,
    'order' as via
from artery_erp.stock_move as p
inner join artery_mes.production_report as r on p.posting_id = r.posting_id
inner join artery_mes.production_report as t on r.mo_no = t.mo_no and not (t.final and t.good > 0)
inner join artery_erp.stock_move as c on t.posting_id = c.posting_id and c.document_line is not null
where
    p.document_line is null
    and r.kind <> 'reversal'
    and t.kind <> 'reversal'
    and not exists (
        select from artery_mes.production_report as x
        where x.reverses = r.id
    )
    and not exists (
        select from artery_mes.production_report as x
        where x.reverses = t.id
    )
group by
    r.mo_no, p.item_code, nullif(p.lot_no, ''), c.document_line, c.item_code, nullif(c.lot_no, '');

comment on view artery_mes.lot_genealogy is
'Which lots went into which: forwards by component_item and component_lot, backwards by made_item and made_lot. via '
'report = taken by the reports that made the lot; order = taken for the order as a whole. All levels: artery_mes.trace_lot';
grant select on artery_mes.lot_genealogy to artery_reader, artery_app;
