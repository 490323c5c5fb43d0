create or replace function artery_procurement._store_asn(
    p_supplier text,
    p_asn_no text,
    p_revision integer,
    p_status text,
    p_shipped_at timestamptz,
    p_expected_at timestamptz,
    p_head jsonb,
    p_lines jsonb,
    p_hash bigint
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_touched record;
begin
    insert into artery_erp.asn_document as d (
        supplier_code, asn_no, revision, status, shipped_at, expected_at, carrier, tracking_no,
        content_hash, detail
    )
    values (
        p_supplier, p_asn_no, p_revision, p_status, p_shipped_at, p_expected_at,
        p_head ->> 'carrier', p_head ->> 'tracking_no', p_hash,
        jsonb_build_object('supplier', p_supplier, 'lines', (
            select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'item', l.line -> 'item_code',
                'lot', l.line -> 'lot_no',
                'sscc', l.line -> 'sscc',
                'serials', l.line -> 'serials',
                'po_no', l.line -> 'po_no'
            ))), '[]')
            from jsonb_array_elements(p_lines) as l (line)
        ))
    )
    on conflict (supplier_code, asn_no) do update
    set
        revision = excluded.revision,
        status = excluded.status,
        shipped_at = excluded.shipped_at,
        expected_at = excluded.expected_at,
        carrier = excluded.carrier,
        tracking_no = excluded.tracking_no,
        content_hash = excluded.content_hash,
        detail = excluded.detail;

    with gone as (
        delete from artery_erp.asn_line as a
        where a.supplier_code = p_supplier and a.asn_no = p_asn_no
        returning a.po_no, a.po_line_no
    )

    select
        coalesce(array_agg(g.po_no), '{}') as po_nos,
        coalesce(array_agg(g.po_line_no), '{}') as line_nos
    into strict v_touched
    from (
        select
            x.po_no::text,
            x.po_line_no
        from gone as x
        union
        select
            l.line ->> 'po_no',
            (l.line ->> 'po_line_no')::integer
        from jsonb_array_elements(p_lines) as l (line)
    ) as g;

    insert into artery_erp.asn_line (
        supplier_code, asn_no, line_no, po_no, po_line_no, item_code, quantity, unit, lot_no, serials,
        sscc, best_before, outstanding_quantity, outstanding_reason
    )
    select
        p_supplier,
        p_asn_no,
        l.line_no,
        l.po_no,
        l.po_line_no,
        l.item_code,
        l.quantity,
        l.unit,
        l.lot_no,
        l.serials,
        l.sscc,
        l.best_before,
        l.outstanding_quantity,
        l.outstanding_reason
    from jsonb_populate_recordset(null::artery_erp.asn_line, p_lines) as l;

    perform artery_erp.settle_order_lines(
        array_fill(p_supplier, array[cardinality(v_touched.po_nos)]), v_touched.po_nos, v_touched.line_nos
    );
end
$function$;
comment on function artery_procurement._store_asn(
    text, text, integer, text, timestamptz, timestamptz, jsonb, jsonb, bigint
) is 'Writes a revision of a shipping notice in place of the one before, and settles the order lines of both';
revoke execute on function artery_procurement._store_asn(
    text, text, integer, text, timestamptz, timestamptz, jsonb, jsonb, bigint
) from public;
