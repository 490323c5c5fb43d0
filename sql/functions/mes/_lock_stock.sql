create or replace function artery_mes._lock_stock(
    p_drafts artery_mes.report_draft[],
    p_rows artery_mes.backflush_row[],
    p_reversals artery_mes.report_draft[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_erp.lot (item_code, lot_no)
    select
        (d.report).item_code,
        (d.report).lot_no
    from unnest(p_drafts) as d
    where (d.report).final and (d.report).lot_no is not null and (d.report).good > 0
    group by (d.report).item_code, (d.report).lot_no
    order by (d.report).item_code, (d.report).lot_no
    on conflict (item_code, lot_no) do nothing;

    perform artery_erp._lock_balances(
        array_agg(k.item_code), array_agg(k.warehouse_code), array_agg(k.lot_no)
    )
    from (
        select
            b.item_code,
            b.warehouse_code,
            b.lot_no
        from (
            select distinct
                r.item_code,
                r.warehouse_code
            from unnest(p_rows) as r
        ) as p
        inner join artery_erp.stock_balance as b
            on b.item_code = p.item_code and b.warehouse_code = p.warehouse_code and b.in_stock
        union all
        select
            r.item_code,
            r.warehouse_code,
            coalesce(r.lot_no, '')
        from unnest(p_rows) as r
        where r.rank = 0 or r.policy = 'allow'
        union all
        select
            (d.report).item_code,
            (d.report).warehouse_code,
            coalesce((d.report).lot_no, '')
        from unnest(p_drafts) as d
        where (d.report).final and (d.report).good > 0
        union all
        select
            m.item_code,
            m.warehouse_code,
            m.lot_no
        from unnest(p_reversals) as d
        inner join artery_mes.production_report as r
            on r.report_id = d.reverses_report and r.source = (d.report).source
        inner join artery_erp.stock_move as m on m.posting_id = r.posting_id
    ) as k;
end
$function$;
comment on function artery_mes._lock_stock(
    artery_mes.report_draft[], artery_mes.backflush_row[], artery_mes.report_draft[]
) is
'Locks every balance that reports may take from or add to, in the one order; makes those that are missing';
revoke execute on function artery_mes._lock_stock(
    artery_mes.report_draft[], artery_mes.backflush_row[], artery_mes.report_draft[]
) from public;
