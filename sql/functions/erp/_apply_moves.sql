/* The one place where stock changes: the moves and the balances in one statement each. The
   caller has the balances locked (_lock_balances), the postings written, posted_at taken after. */
create or replace function artery_erp._apply_moves(p_moves artery_erp.stock_move[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_short text;
begin
    insert into artery_erp.stock_move (
        posting_id, line_no, item_code, warehouse_code, lot_no, quantity, document_line, covers,
        posted_at
    )
    select
        m.posting_id,
        m.line_no,
        m.item_code,
        m.warehouse_code,
        m.lot_no,
        m.quantity,
        m.document_line,
        m.covers,
        m.posted_at
    from unnest(p_moves) as m;

    with changed as (
        update artery_erp.stock_balance as b
        set quantity = trim_scale(b.quantity + s.quantity)
        from (
            select
                m.item_code,
                m.warehouse_code,
                m.lot_no,
                sum(m.quantity) as quantity
            from unnest(p_moves) as m
            group by m.item_code, m.warehouse_code, m.lot_no
        ) as s
        where
            b.item_code = s.item_code
            and b.warehouse_code = s.warehouse_code
            and b.lot_no = s.lot_no
        returning
            b.item_code, b.warehouse_code, b.lot_no, b.quantity, s.quantity as change
    )

    select string_agg(format(
        'Item %s in %s%s: %s short.', c.item_code, c.warehouse_code,
        case when c.lot_no <> '' then ', lot ' || c.lot_no end, -c.quantity
    ), ' ' order by c.item_code, c.warehouse_code, c.lot_no)
    into v_short
    from changed as c
    inner join artery_erp.item as i on i.code = c.item_code
    inner join artery_erp.warehouse as w on w.code = c.warehouse_code
    where
        c.quantity < 0
        and c.change < 0
        and coalesce(i.negative_stock, w.negative_stock) <> 'allow';
    if v_short is not null then
        raise exception using
            errcode = 'IN107',
            message = 'not enough stock',
            detail = v_short,
            hint = 'Receive or transfer the stock first, or allow negative_stock for the item or warehouse.';
    end if;
end
$function$;

comment on function artery_erp._apply_moves(artery_erp.stock_move[]) is
'Writes moves and changes the balances, which the caller has locked. Errors: IN107 not enough stock';
revoke execute on function artery_erp._apply_moves(artery_erp.stock_move[]) from public;
