/* A report that both takes and makes is told as such (via report). What reports of operations in
   between and the release take belongs to all lots of the order (via order). Reports that were
   taken back, and their reversals, are left out. */
create or replace view artery_mes.lot_genealogy
with (security_invoker = true) as
with moved as (
    select
        r.mo_no,
        r.posting_id,
        m.item_code,
        m.lot_no,
        m.quantity,
        m.document_line,
        bool_or(m.document_line is null) over (partition by r.posting_id) as makes
    from artery_mes.production_report as r
    left join artery_mes.production_report as x on r.id = x.reverses
    inner join artery_erp.stock_move as m on r.posting_id = m.posting_id
    where r.kind <> 'reversal' and x.id is null
)

select
    p.mo_no,
    p.item_code as made_item,
    c.document_line as line_no,
    c.item_code as component_item,
    nullif(p.lot_no, '') as made_lot,
    nullif(c.lot_no, '') as component_lot,
    -sum(c.quantity) as quantity,
    case when c.makes then 'report' else 'order' end as via
from moved as p
inner join moved as c
    on
        p.mo_no = c.mo_no
        and (p.posting_id = c.posting_id or not c.makes)
where p.document_line is null and c.document_line is not null
group by p.mo_no, p.item_code, p.lot_no, c.document_line, c.item_code, c.lot_no, c.makes;

comment on view artery_mes.lot_genealogy is
'Which lots went into which: forwards by component_item and component_lot, backwards by made_item and made_lot. via '
'report = taken by the reports that made the lot; order = taken for the order as a whole. All levels: artery_mes.trace_lot';
grant select on artery_mes.lot_genealogy to artery_reader, artery_app;
