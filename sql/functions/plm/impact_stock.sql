create or replace function artery_plm.impact_stock(p_items text[])
returns table (item_code text, kind text, id text, status text, quantity numeric)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = 'force_custom_plan'
set jit = off
as $function$
begin
    return query
    with transit as (
        select
            l.supplier_code,
            l.asn_no,
            l.po_no,
            l.po_line_no,
            l.item_code,
            sum((l.quantity - l.received_quantity) * f.numerator / f.denominator) as quantity
        from artery_erp.asn_line as l
        inner join artery_erp.asn_document as d
            on d.supplier_code = l.supplier_code and d.asn_no = l.asn_no
        inner join artery_erp.item as i on i.code = l.item_code
        left join lateral artery_erp.unit_factor(l.item_code, l.unit, i.stock_unit) as f on true
        where l.item_code = any(p_items) and d.status = 'in_transit' and l.quantity > l.received_quantity
        group by l.supplier_code, l.asn_no, l.po_no, l.po_line_no, l.item_code
    )

    select
        b.item_code::text,
        k.kind,
        b.warehouse_code::text,
        'on hand',
        sum(b.quantity)
    from artery_erp.stock_balance as b
    cross join (values ('stock'), ('product_stock')) as k (kind)
    where b.item_code = any(p_items) and b.in_stock
    group by b.item_code, b.warehouse_code, k.kind
    union all
    select
        r.item_code::text,
        'reservation',
        r.document_type || ' ' || r.document_id,
        'reserved',
        sum(r.quantity)
    from artery_erp.stock_reservation as r
    where r.item_code = any(p_items)
    group by r.item_code, r.document_type, r.document_id
    union all
    select
        l.item_code::text,
        'on_order',
        l.po_no || '/' || l.line_no,
        'ordered',
        (l.quantity - l.short_quantity - l.received_quantity) * f.numerator / f.denominator - coalesce(t.quantity, 0)
    from artery_erp.purchase_order_line as l
    inner join artery_erp.purchase_order as o
        on o.supplier_code = l.supplier_code and o.po_no = l.po_no
    inner join artery_erp.item as i on i.code = l.item_code
    left join lateral artery_erp.unit_factor(l.item_code, l.unit, i.stock_unit) as f on true
    left join (
        select
            x.supplier_code,
            x.po_no,
            x.po_line_no,
            sum(x.quantity) as quantity
        from transit as x
        group by x.supplier_code, x.po_no, x.po_line_no
    ) as t on t.supplier_code = l.supplier_code and t.po_no = l.po_no and t.po_line_no = l.line_no
    where
        l.item_code = any(p_items)
        and o.status = 'approved'
        and not l.short_closed
        and (
            f.numerator is null
            or (l.quantity - l.short_quantity - l.received_quantity) * f.numerator / f.denominator > coalesce(t.quantity, 0)
        )
    union all
    select
        t.item_code::text,
        'in_transit',
        t.supplier_code || ' ' || t.asn_no,
        'in transit',
        sum(t.quantity)
    from transit as t
    group by t.item_code, t.supplier_code, t.asn_no;
end
$function$;
comment on function artery_plm.impact_stock(text[]) is
'What there is and comes of these items, in their stock unit: on hand by warehouse (as stock and as product_stock), '
'reserved by document, on order without what is in transit, in transit. Null: no unit conversion';
revoke execute on function artery_plm.impact_stock(text[]) from public;
