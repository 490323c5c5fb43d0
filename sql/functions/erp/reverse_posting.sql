create or replace function artery_erp.reverse_posting(p_posting_id bigint, p_note text default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_posting artery_erp.stock_posting;
    v_moves artery_erp.stock_move[];
    v_id bigint;
    v_now timestamptz;
begin
    -- whoever comes second waits here, and finds the reversal
    select p.*
    into v_posting
    from artery_erp.stock_posting as p
    where p.id = p_posting_id
    for no key update;
    if not found or v_posting.reverses is not null then
        raise exception using
            errcode = 'IN112',
            message = format('there is no stock posting %s to reverse', coalesce(p_posting_id::text, '(null)')),
            detail = coalesce(
                format('It is itself the reversal of posting %s.', v_posting.reverses),
                'No row of artery_erp.stock_posting has this id.'
            ),
            hint = 'A reversal is not taken back: post what took place anew.';
    end if;
    select p.id
    into v_id
    from artery_erp.stock_posting as p
    where p.reverses = p_posting_id;
    if found then
        return v_id;
    end if;

    select array_agg(m order by m.line_no)
    into v_moves
    from artery_erp.stock_move as m
    where m.posting_id = p_posting_id;
    perform artery_erp._lock_balances(
        array_agg(m.item_code), array_agg(m.warehouse_code), array_agg(m.lot_no)
    )
    from unnest(v_moves) as m;
    v_now := clock_timestamp();

    insert into artery_erp.stock_posting as p (
        kind, document_type, document_id, effective_at, posted_at, reverses, note
    )
    values (
        'reversal', v_posting.document_type, v_posting.document_id,
        artery_erp.next_open_time(v_posting.effective_at), v_now, p_posting_id, p_note
    )
    returning p.id into v_id;

    select array_agg((
        v_id, m.line_no, m.item_code, m.warehouse_code, m.lot_no, -m.quantity, m.document_line,
        -m.covers, v_now
    )::artery_erp.stock_move order by m.line_no)
    into v_moves
    from unnest(v_moves) as m;
    if v_moves is not null then
        perform artery_erp._apply_moves(v_moves);
    end if;
    return v_id;
end
$function$;

comment on function artery_erp.reverse_posting(bigint, text) is
'Takes a posting back: the exact inverse of its moves, the same lots, in its accounting period or else the next '
'open one. Returns the reversal''s id; again: the same one. Errors: IN107 the goods are gone, IN112 nothing to reverse';
grant execute on function artery_erp.reverse_posting(bigint, text) to artery_app;
