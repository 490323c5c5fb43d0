/* The lines of a shipping notice, one row each; what does not read as it should is null here and
   has its reason in _asn_line_reasons. The unit is the order line's where none is named. */
create or replace function artery_procurement._asn_lines(p_supplier text, p_lines jsonb)
returns table (
    path text,
    line_no integer,
    po_no text,
    po_line_no integer,
    item_code text,
    quantity numeric,
    unit text,
    lot_no text,
    serials text[],
    sscc text,
    best_before date,
    outstanding_quantity numeric,
    outstanding_reason text,
    body jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select
        '/lines/' || (e.no - 1),
        (e.body ->> 'line_no')::integer,
        artery_erp.clean_code(e.body ->> 'po_no'),
        (e.body ->> 'po_line_no')::integer,
        artery_erp.clean_code(e.body ->> 'item'),
        artery_procurement._number(e.body ->> 'quantity'),
        coalesce(artery_erp.clean_code(e.body ->> 'unit'), l.unit::text),
        nullif(artery_erp.clean_code(e.body ->> 'lot'), ''),
        (
            select array_agg(artery_erp.clean_code(s.value) order by artery_erp.clean_code(s.value) collate "C")
            from jsonb_array_elements_text(
                case jsonb_typeof(e.body -> 'serials') when 'array' then e.body -> 'serials' end
            ) as s (value)
        ),
        e.body ->> 'sscc',
        artery_procurement._day(e.body ->> 'best_before'),
        artery_procurement._number(e.body ->> 'outstanding_quantity'),
        e.body ->> 'outstanding_reason',
        e.body
    from jsonb_array_elements(p_lines) with ordinality as e (body, no)
    left join artery_erp.purchase_order_line as l
        on
            l.supplier_code = p_supplier
            and l.po_no = artery_erp.clean_code(e.body ->> 'po_no')
            and l.line_no = (e.body ->> 'po_line_no')::integer;
end
$function$;
comment on function artery_procurement._asn_lines(text, jsonb) is
'The lines of a shipping notice that its schema has let pass';
revoke execute on function artery_procurement._asn_lines(text, jsonb) from public;
