/* What lies where the rows are taken from, by pool, in the order in which it is taken. Empty
   balances are told where a report names the lot, makes it, or may take it below zero. */
create or replace function artery_mes._backflush_lots(
    p_rows artery_mes.backflush_row[], p_reports artery_mes.production_report[]
)
returns table (pool_no integer, lot_no text, quantity numeric, usable boolean)
language plpgsql
stable
rows 500
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_now constant timestamptz := clock_timestamp();
    v_named constant text[] := array(
        select r.lot_no from unnest(p_rows) as r where r.rank = 0
        union select coalesce(r.lot_no, '') from unnest(p_reports) as r
        union select ''
    );
begin
    return query
    select
        p.pool_no,
        b.lot_no::text,
        b.quantity,
        l.lot_no is null
        or l.status = 'released' and coalesce(l.expires_at > v_now, true)
    from (
        select distinct
            r.pool_no,
            r.item_code,
            r.warehouse_code
        from unnest(p_rows) as r
    ) as p
    inner join artery_erp.stock_balance as b
        on b.item_code = p.item_code and b.warehouse_code = p.warehouse_code
    left join artery_erp.lot as l on l.item_code = b.item_code and l.lot_no = b.lot_no
    where b.in_stock or b.lot_no = any(v_named)
    order by p.pool_no, l.expires_at nulls last, l.received_at, b.lot_no;
end
$function$;
comment on function artery_mes._backflush_lots(
    artery_mes.backflush_row[], artery_mes.production_report[]
) is
'The stock that rows may be taken from, lot by lot: first to expire, first received, number; usable = neither blocked nor expired';
revoke execute on function artery_mes._backflush_lots(
    artery_mes.backflush_row[], artery_mes.production_report[]
) from public;
