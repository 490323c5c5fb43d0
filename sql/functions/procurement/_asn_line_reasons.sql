/* Over-delivery is no reason: the goods are on their way, whatever is said to the notice. It is
   marked (asn_line.excess_quantity), and people decide at the gate. */
create or replace function artery_procurement._asn_line_reasons(p_supplier text, p_lines jsonb)
returns setof jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    with line as materialized (
        select
            a.*,
            l.item_code as ordered_item,
            l.unit as ordered_unit,
            i.lot_tracked,
            i.stock_unit,
            u.whole_number,
            row_number() over (partition by a.line_no order by a.path) as repeated
        from artery_procurement._asn_lines(p_supplier, p_lines) as a
        inner join artery_erp.purchase_order as o
            on
                o.supplier_code = p_supplier
                and o.po_no = a.po_no
                and (o.version > 0 or o.status in ('approved', 'closed'))
        inner join artery_erp.purchase_order_line as l
            on l.supplier_code = o.supplier_code and l.po_no = o.po_no and l.line_no = a.po_line_no
        inner join artery_erp.item as i on i.code = l.item_code
        left join artery_erp.unit as u on u.code = a.unit
    )

    select artery._reason(c.code, c.message, c.hint, l.path || c.field)
    from line as l
    cross join lateral (values
        (
            l.repeated > 1,
            'IN609', format('line %s comes twice', l.line_no), 'Each line has a number of its own.', '/line_no'
        ),
        (
            l.item_code <> l.ordered_item,
            'IN608', format('line %s of order %s is for item %s', l.po_line_no, l.po_no, l.ordered_item),
            'Name the item as the order does.', '/item'
        ),
        (
            l.quantity is null,
            'IN609', 'quantity is no number of 15 digits and 8 decimals at most, not below zero',
            'Zero where nothing of it was shipped.', '/quantity'
        ),
        (
            l.whole_number and l.quantity <> trunc(l.quantity),
            'IN609', format('%s comes in whole numbers', l.unit), 'Send a whole quantity, or another unit.', '/quantity'
        ),
        (
            cardinality(l.serials) <> l.quantity,
            'IN609', format('%s serial numbers for %s %s', cardinality(l.serials), l.quantity, l.unit),
            'One for each piece, or none.', '/serials'
        ),
        (
            l.body ->> 'outstanding_quantity' is not null and l.outstanding_quantity is null,
            'IN609', 'outstanding_quantity is no number of 15 digits and 8 decimals at most, not below zero',
            'What of the order line is still to come; 0 = nothing, leave it out if it is not known.',
            '/outstanding_quantity'
        ),
        (
            not exists (select from artery_erp.unit_factor(l.ordered_item, l.unit, l.ordered_unit))
            or not exists (select from artery_erp.unit_factor(l.ordered_item, l.unit, l.stock_unit)),
            'IN610', format('%s of item %s does not convert to %s', l.unit, l.ordered_item, l.ordered_unit),
            'Send it in the order''s unit.', '/unit'
        ),
        (
            case when l.lot_no is null
                then l.lot_tracked and l.quantity > 0
                else l.lot_no !~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$'
            end,
            'IN611',
            case when l.lot_no is null then format('item %s comes in lots: name the one', l.ordered_item)
                else format('%s is no lot number', left(l.lot_no, 80))
            end,
            'ASCII letters, digits and . _ / + # -; a line for each lot.', '/lot'
        ),
        (
            l.body ->> 'best_before' is not null and l.best_before is null,
            'IN611', 'best_before is no date', 'ISO 8601: 2027-03-31.', '/best_before'
        )
    ) as c (wrong, code, message, hint, field)
    where c.wrong;
end
$function$;
comment on function artery_procurement._asn_line_reasons(text, jsonb) is
'What is wrong with lines of a shipping notice whose order is known: IN608 item, IN609 quantities, IN610 unit, IN611 lot';
revoke execute on function artery_procurement._asn_line_reasons(text, jsonb) from public;
