/* What the ERP itself posts: receipts, shipments, transfers, adjustments, opening stock. */
create or replace function artery_erp.post_stock(
    p_kind text,
    p_document_type text,
    p_document_id text,
    p_moves jsonb,
    p_effective_at timestamptz default now(),
    p_note text default null
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_moves artery_erp.stock_move[];
    v_posting_id bigint;
    v_now timestamptz;
begin
    v_moves := artery_erp._check_moves(p_moves);
    if artery_erp.next_open_time(p_effective_at) <> p_effective_at then
        raise exception using
            errcode = 'IN109',
            message = format('the accounting period of %s is closed', p_effective_at),
            detail = format('%s %s.', p_document_type, p_document_id),
            hint = format(
                'Post it at %s, when the next open period begins, or open the period again.',
                artery_erp.next_open_time(p_effective_at)
            );
    end if;

    insert into artery_erp.lot as l (item_code, lot_no, expires_at)
    select
        m.item,
        m.lot,
        max(m.expires_at)
    from jsonb_to_recordset(p_moves) as m (item text, lot text, quantity numeric, expires_at timestamptz)
    where m.lot <> '' and m.quantity > 0
    group by m.item, m.lot
    order by m.item collate "C", m.lot collate "C"
    on conflict (item_code, lot_no) do nothing;

    perform artery_erp._lock_balances(
        array_agg(m.item_code), array_agg(m.warehouse_code), array_agg(m.lot_no)
    )
    from unnest(v_moves) as m;
    v_now := clock_timestamp();

    insert into artery_erp.stock_posting as p (
        kind, document_type, document_id, effective_at, posted_at, note
    )
    values (p_kind, p_document_type, p_document_id, p_effective_at, v_now, p_note)
    returning p.id into v_posting_id;

    select array_agg((
        v_posting_id, m.ordinality, m.item_code, m.warehouse_code, m.lot_no, m.quantity,
        m.document_line, null, v_now
    )::artery_erp.stock_move)
    into v_moves
    from unnest(v_moves) with ordinality as m;
    perform artery_erp._apply_moves(v_moves);
    return v_posting_id;
end
$function$;

comment on function artery_erp.post_stock(text, text, text, jsonb, timestamptz, text) is
'Posts moves of stock and returns the posting''s id. p_moves: [{"item", "warehouse", "lot", "quantity", '
'"document_line", "expires_at"}], quantity in the stock unit, negative = out; a lot that comes in is made '
'if it is new. Errors: IN107 not enough stock, IN109 period closed, IN110 bad moves, all of them named';
grant execute on function artery_erp.post_stock(text, text, text, jsonb, timestamptz, text)
    to artery_app;
