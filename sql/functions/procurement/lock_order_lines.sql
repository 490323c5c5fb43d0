/* The one order of locks: lines of orders by their numbers, then the order, then the notice. The
   ERP that changes a line locks that line first, whatever it does: so lines come first. */
create or replace function artery_procurement.lock_order_lines(
    p_supplier text, p_po_nos text[], p_line_nos integer[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform
    from unnest(p_po_nos, p_line_nos) as w (po_no, line_no)
    inner join artery_erp.purchase_order_line as l
        on l.supplier_code = p_supplier and l.po_no = w.po_no and l.line_no = w.line_no
    order by l.po_no, l.line_no
    for no key update of l;
end
$function$;
comment on function artery_procurement.lock_order_lines(text, text[], integer[]) is
'Locks lines of a supplier''s orders until the end of the transaction';
revoke execute on function artery_procurement.lock_order_lines(text, text[], integer[]) from public;
