/* Containment of jsonb is not leakproof: under row-level security it is tested after the policy, so
   no index serves it, and a supplier's own query would read all of its notices. This function
   searches as their owner and puts the caller's suppliers into what is searched for: one index for
   both. */
create or replace function artery_procurement.find_asn(p_what jsonb, p_limit integer default 100)
returns table (
    supplier_code text,
    asn_no text,
    status text,
    shipped_at timestamptz,
    expected_at timestamptz,
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
    received_quantity numeric
)
language plpgsql
stable
security definer
rows 100
set search_path = pg_catalog, pg_temp
set jit = off
as $function$
declare
    v_line jsonb;
    v_caller record;
    v_suppliers text[];
begin
    select jsonb_object_agg(
        case w.key when 'serial' then 'serials' else w.key end,
        case w.key when 'serial' then jsonb_build_array(w.value) else w.value end
    )
    into v_line
    from jsonb_each(case jsonb_typeof(p_what) when 'object' then p_what else '{}' end) as w
    where w.key in ('item', 'lot', 'sscc', 'serial', 'po_no') and jsonb_typeof(w.value) = 'string';
    if v_line is null or p_what - '{item,lot,sscc,serial,po_no,supplier}'::text[] <> '{}' then
        raise exception using
            errcode = 'IN617',
            message = 'the search is none',
            detail = format('Got %s.', left(coalesce(p_what::text, '(null)'), 200)),
            hint = 'Name one or more, as texts: {"item", "lot", "sscc", "serial", "po_no"}; "supplier" may go with them.';
    end if;

    select
        c.sees_all,
        c.codes
    into strict v_caller
    from artery_erp.caller_suppliers() as c;
    v_suppliers := case
        when p_what ->> 'supplier' is null then
            case when v_caller.sees_all then array[null::text] else v_caller.codes end
        when v_caller.sees_all or p_what ->> 'supplier' = any(v_caller.codes) then
            array[p_what ->> 'supplier']
        else '{}'
    end;

    return query
    select
        d.supplier_code::text,
        d.asn_no::text,
        d.status,
        d.shipped_at,
        d.expected_at,
        a.line_no,
        a.po_no::text,
        a.po_line_no,
        a.item_code::text,
        a.quantity,
        a.unit::text,
        a.lot_no,
        a.serials,
        a.sscc,
        a.best_before,
        a.received_quantity
    from unnest(v_suppliers) as s (code)
    cross join lateral (
        select x.*
        from artery_erp.asn_document as x
        where
            x.detail @> (
                jsonb_build_object('lines', jsonb_build_array(v_line))
                || case when s.code is null then '{}' else jsonb_build_object('supplier', s.code) end
            )
        order by x.shipped_at desc nulls last, x.asn_no
        limit p_limit
    ) as d
    inner join artery_erp.asn_line as a
        on a.supplier_code = d.supplier_code and a.asn_no = d.asn_no
    where
        (s.code is null or d.supplier_code = s.code)
        and (p_what ->> 'item' is null or a.item_code = p_what ->> 'item')
        and (p_what ->> 'lot' is null or a.lot_no = p_what ->> 'lot')
        and (p_what ->> 'sscc' is null or a.sscc = p_what ->> 'sscc')
        and (p_what ->> 'serial' is null or p_what ->> 'serial' = any(a.serials))
        and (p_what ->> 'po_no' is null or a.po_no = p_what ->> 'po_no')
    order by d.shipped_at desc nulls last, d.asn_no, a.line_no;
end
$function$;
comment on function artery_procurement.find_asn(jsonb, integer) is
'Lines of shipping notices by {"item", "lot", "sscc", "serial", "po_no"}, all that are named on one line, newest first, '
'of p_limit notices; a supplier finds its own, the ERP''s roles all or those of "supplier". Errors: IN617 names nothing';
grant execute on function artery_procurement.find_asn(jsonb, integer) to artery_app, artery_reader;
