create or replace function artery_erp.release_reservations(
    p_document_type text, p_document_id text, p_document_line integer default null
)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_released integer;
begin
    perform artery_erp._lock_balances(
        array_agg(r.item_code), array_agg(r.warehouse_code), array_agg(r.lot_no)
    )
    from artery_erp.stock_reservation as r
    where
        r.document_type = p_document_type
        and r.document_id = p_document_id
        and (p_document_line is null or r.document_line = p_document_line);

    with gone as (
        delete from artery_erp.stock_reservation as r
        where
            r.document_type = p_document_type
            and r.document_id = p_document_id
            and (p_document_line is null or r.document_line = p_document_line)
        returning r.item_code, r.warehouse_code, r.lot_no, r.quantity
    ),

    freed as (
        update artery_erp.stock_balance as b
        set reserved = b.reserved - s.quantity
        from (
            select
                g.item_code,
                g.warehouse_code,
                g.lot_no,
                sum(g.quantity) as quantity
            from gone as g
            group by g.item_code, g.warehouse_code, g.lot_no
        ) as s
        where
            b.item_code = s.item_code
            and b.warehouse_code = s.warehouse_code
            and b.lot_no = s.lot_no
    )

    select count(*)::integer
    into v_released
    from gone;
    return v_released;
end
$function$;

comment on function artery_erp.release_reservations(text, text, integer) is
'Frees what is reserved for a document, or for one line of it; returns how many reservations that were';
grant execute on function artery_erp.release_reservations(text, text, integer) to artery_app;
