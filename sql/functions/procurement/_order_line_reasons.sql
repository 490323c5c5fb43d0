/* Lines of a message against those of the supplier's orders. An order of somebody else's, a draft
   and one that does not exist are told apart by nothing. */
create or replace function artery_procurement._order_line_reasons(
    p_supplier text, p_po_nos text[], p_line_nos integer[], p_paths text[]
)
returns setof jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select case
        when l.line_no is null then artery._reason(
            'IN606', format('there is no line %s of an order %s for you', w.line_no, w.po_no),
            'Name po_no and po_line_no as the order has them.', w.path || '/po_line_no'
        )
        else artery._reason(
            'IN607', format('order %s is %s', w.po_no, o.status),
            'Ask the buyer: nothing more can come on it.', w.path || '/po_no'
        )
    end
    from unnest(p_po_nos, p_line_nos, p_paths) as w (po_no, line_no, path)
    left join artery_erp.purchase_order as o
        on
            o.supplier_code = p_supplier
            and o.po_no = w.po_no
            and (o.version > 0 or o.status in ('approved', 'closed'))
    left join artery_erp.purchase_order_line as l
        on l.supplier_code = o.supplier_code and l.po_no = o.po_no and l.line_no = w.line_no
    where l.line_no is null or o.status <> 'approved';
end
$function$;
comment on function artery_procurement._order_line_reasons(text, text[], integer[], text[]) is
'Why lines of a supplier''s message cannot be about its orders: IN606 no such line, IN607 not open';
revoke execute on function artery_procurement._order_line_reasons(
    text, text[], integer[], text[]
) from public;
