create or replace function artery_procurement.receive_asn(
    p_supplier text,
    p_asn_no text,
    p_lines jsonb default null,
    p_final boolean default true,
    p_warehouse text default null,
    p_effective_at timestamptz default now()
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status text;
    v_problems text;
    v_moves jsonb;
    v_posting_id bigint;
begin
    perform artery_procurement.lock_order_lines(p_supplier, array_agg(a.po_no), array_agg(a.po_line_no))
    from artery_erp.asn_line as a
    where a.supplier_code = p_supplier and a.asn_no = p_asn_no;
    select d.status
    into v_status
    from artery_erp.asn_document as d
    where d.supplier_code = p_supplier and d.asn_no = p_asn_no
    for update;
    if not found then
        raise exception using
            errcode = 'IN616',
            message = format('there is no shipping notice %s of supplier %s', p_asn_no, p_supplier),
            detail = 'Numbers are compared exactly, case included.',
            hint = 'artery_procurement.find_asn finds it by item, lot, SSCC or order.';
    end if;
    if v_status <> 'in_transit' then
        perform artery_erp.check_transition('asn_document', p_supplier || ' ' || p_asn_no, v_status, 'in_transit');
    end if;

    with counted as (
        select
            c.no,
            a.line_no,
            a.item_code,
            i.lot_tracked,
            a.lot_no,
            a.best_before,
            a.quantity,
            artery_procurement._number(c.quantity) as counted,
            coalesce(p_warehouse, o.warehouse_code) as warehouse_code,
            f.numerator,
            f.denominator,
            row_number() over (partition by c.line_no order by c.no) as repeated
        from (
            select
                e.no,
                case when e.line ->> 'line_no' ~ '^[0-9]{1,9}$' then (e.line ->> 'line_no')::integer end as line_no,
                e.line ->> 'quantity' as quantity
            from jsonb_array_elements(p_lines) with ordinality as e (line, no)
            union all
            select
                a.line_no,
                a.line_no,
                greatest(a.quantity - a.received_quantity, 0)::text
            from artery_erp.asn_line as a
            where a.supplier_code = p_supplier and a.asn_no = p_asn_no and p_lines is null
        ) as c
        left join artery_erp.asn_line as a
            on a.supplier_code = p_supplier and a.asn_no = p_asn_no and a.line_no = c.line_no
        left join artery_erp.purchase_order as o
            on o.supplier_code = a.supplier_code and o.po_no = a.po_no
        left join artery_erp.item as i on i.code = a.item_code
        left join lateral artery_erp.unit_factor(a.item_code, a.unit, i.stock_unit) as f on true
    )

    select
        string_agg(format('Line %s: %s.', c.no, p.problem), ' ' order by c.no) filter (where p.problem <> ''),
        coalesce(jsonb_agg(jsonb_build_object(
            'item', c.item_code,
            'warehouse', c.warehouse_code,
            'lot', case when c.lot_tracked then c.lot_no end,
            'quantity', trim_scale(round(c.counted * c.numerator / c.denominator, 8))::text,
            'document_line', c.line_no,
            'expires_at', (c.best_before + 1)::timestamp at time zone 'UTC',
            'counted', c.counted
        ) order by c.line_no) filter (where c.counted > 0), '[]')
    into v_problems, v_moves
    from counted as c
    cross join lateral (
        select concat_ws(
            ', ',
            case when c.line_no is null then 'the notice has no such line' end,
            case when c.counted is null then 'quantity is no number of 15 digits and 8 decimals at most' end,
            case when c.repeated > 1 then 'it comes twice' end,
            case when c.line_no is not null and c.warehouse_code is null then 'there is no warehouse to put it in' end
        ) as problem
    ) as p;
    if v_problems is not null then
        raise exception using
            errcode = 'IN615',
            message = format('shipping notice %s cannot be received so', p_asn_no),
            detail = v_problems,
            hint = 'Nothing was booked: correct all of them. The lines are [{"line_no", "quantity"}].';
    end if;

    if v_moves <> '[]' then
        v_posting_id := artery_erp.post_stock(
            'receipt', 'asn', p_supplier || ' ' || p_asn_no, v_moves, p_effective_at
        );
    end if;
    perform artery_procurement._book_receipt(p_supplier, p_asn_no, v_moves, p_final);
    return v_posting_id;
end
$function$;
comment on function artery_procurement.receive_asn(text, text, jsonb, boolean, text, timestamptz) is
'Books what came of a shipping notice into stock and returns the posting''s id, null if nothing came. p_lines: '
'[{"line_no", "quantity"}] as counted, in the notice''s units; null = all of it. p_final: nothing more comes of it. '
'p_warehouse null = the order''s. Errors: IN103 received or cancelled, IN615 bad lines, IN616 no such notice, IN109, IN110';
grant execute on function artery_procurement.receive_asn(
    text, text, jsonb, boolean, text, timestamptz
) to artery_app;
