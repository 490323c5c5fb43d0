create or replace function artery_procurement._book_receipt(
    p_supplier text, p_asn_no text, p_moves jsonb, p_final boolean
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_erp.asn_line as a
    set received_quantity = a.received_quantity + m.counted
    from jsonb_to_recordset(p_moves) as m (document_line integer, counted numeric)
    where a.supplier_code = p_supplier and a.asn_no = p_asn_no and a.line_no = m.document_line;

    update artery_erp.purchase_order_line as l
    set received_quantity = l.received_quantity + c.quantity
    from (
        select
            a.po_no,
            a.po_line_no,
            trim_scale(sum(round(m.counted * f.numerator / f.denominator, 8))) as quantity
        from jsonb_to_recordset(p_moves) as m (document_line integer, counted numeric)
        inner join artery_erp.asn_line as a
            on a.supplier_code = p_supplier and a.asn_no = p_asn_no and a.line_no = m.document_line
        inner join artery_erp.purchase_order_line as o
            on o.supplier_code = a.supplier_code and o.po_no = a.po_no and o.line_no = a.po_line_no
        cross join lateral artery_erp.unit_factor(a.item_code, a.unit, o.unit) as f
        group by a.po_no, a.po_line_no
    ) as c
    where l.supplier_code = p_supplier and l.po_no = c.po_no and l.line_no = c.po_line_no;

    if p_final then
        update artery_erp.asn_document as d
        set
            status = 'received',
            received_at = clock_timestamp()
        where d.supplier_code = p_supplier and d.asn_no = p_asn_no;
    end if;

    perform artery_erp.settle_order_lines(
        array_agg(a.supplier_code::text), array_agg(a.po_no::text), array_agg(a.po_line_no)
    )
    from artery_erp.asn_line as a
    where a.supplier_code = p_supplier and a.asn_no = p_asn_no;
end
$function$;
comment on function artery_procurement._book_receipt(text, text, jsonb, boolean) is
'Counts a receipt on the lines of its notice and of its orders';
revoke execute on function artery_procurement._book_receipt(text, text, jsonb, boolean) from public;
