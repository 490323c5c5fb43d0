-- Back from today's balances: of the ledger only what came after p_at is read.
create or replace function artery_erp.stock_on_hand(
    p_at timestamptz default clock_timestamp(), p_item_code text default null
)
returns table (item_code text, warehouse_code text, lot_no text, quantity numeric)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select
        b.item_code::text,
        b.warehouse_code::text,
        b.lot_no::text,
        trim_scale(b.quantity - coalesce(s.quantity, 0))
    from artery_erp.stock_balance as b
    left join (
        select
            m.item_code,
            m.warehouse_code,
            m.lot_no,
            sum(m.quantity) as quantity
        from artery_erp.stock_move as m
        where m.posted_at > p_at and (p_item_code is null or m.item_code = p_item_code)
        group by m.item_code, m.warehouse_code, m.lot_no
    ) as s using (item_code, warehouse_code, lot_no)
    where
        (p_item_code is null or b.item_code = p_item_code)
        and b.quantity <> coalesce(s.quantity, 0)
    order by b.item_code, b.warehouse_code, b.lot_no;
end
$function$;

comment on function artery_erp.stock_on_hand(timestamptz, text) is
'What lay where at a moment, by the time of posting; p_item_code null = all items. Rows of zero are left out';
grant execute on function artery_erp.stock_on_hand(timestamptz, text) to artery_app, artery_reader;
