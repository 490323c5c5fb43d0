/* What stands at a line of a purchase order, from all shipping notices there are. Nothing is added
   up message by message: it is a function of the set of notices, so the order they come in, and
   how often, cannot matter. By the time of shipment is decided
   - what is in excess: as if the notices had come as the goods left;
   - what is outstanding: what the notice shipped last says of the line.
   The caller has locked the lines. */
create or replace function artery_erp.settle_order_lines(
    p_suppliers text[], p_orders text[], p_lines integer[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
-- planned once: the keys are exact, however many lines there are
set plan_cache_mode = 'force_generic_plan'
set jit = off
as $function$
begin
    with line as (
        select distinct
            l.supplier_code,
            l.po_no,
            l.line_no,
            l.quantity,
            l.over_delivery_rate,
            l.unit,
            l.received_quantity
        from unnest(p_suppliers, p_orders, p_lines) as w (supplier_code, po_no, line_no)
        inner join artery_erp.purchase_order_line as l
            on l.supplier_code = w.supplier_code and l.po_no = w.po_no and l.line_no = w.line_no
    ),

    shipped as materialized (
        select
            l.*,
            a.asn_no,
            a.line_no as asn_line_no,
            a.quantity as notified,
            f.numerator,
            f.denominator,
            x.quantity as counts,
            sum(x.quantity) over (
                partition by l.supplier_code, l.po_no, l.line_no
                order by coalesce(d.shipped_at, d.created_at), a.asn_no, a.line_no
            ) as so_far,
            round(a.outstanding_quantity * f.numerator / f.denominator, 8) as outstanding,
            a.outstanding_reason,
            row_number() over (
                partition by l.supplier_code, l.po_no, l.line_no, a.outstanding_quantity is null
                order by coalesce(d.shipped_at, d.created_at) desc, a.asn_no desc, a.line_no desc
            ) as from_last
        from line as l
        inner join artery_erp.asn_line as a
            on a.supplier_code = l.supplier_code and a.po_no = l.po_no and a.po_line_no = l.line_no
        inner join artery_erp.asn_document as d
            on d.supplier_code = a.supplier_code and d.asn_no = a.asn_no
        cross join lateral artery_erp.unit_factor(a.item_code, a.unit, l.unit) as f
        cross join lateral (
            select round(
                case
                    when d.status = 'received' then a.received_quantity
                    else greatest(a.quantity, a.received_quantity)
                end * f.numerator / f.denominator, 8
            )
        ) as x (quantity)
        where d.status <> 'cancelled'
    ),

    excess as (
        update artery_erp.asn_line as a
        set excess_quantity = e.quantity
        from (
            select
                s.supplier_code,
                s.asn_no,
                s.asn_line_no,
                trim_scale(round(greatest(0, least(
                    s.counts, s.so_far - s.quantity * (1 + s.over_delivery_rate)
                )) * s.denominator / s.numerator, 8)) as quantity
            from shipped as s
        ) as e
        where
            a.supplier_code = e.supplier_code
            and a.asn_no = e.asn_no
            and a.line_no = e.asn_line_no
            and a.excess_quantity <> e.quantity
    ),

    stands as (
        select
            l.supplier_code,
            l.po_no,
            l.line_no,
            l.quantity,
            trim_scale(greatest(coalesce(sum(s.counts), 0), l.received_quantity)) as notified,
            trim_scale(min(s.outstanding) filter (where s.from_last = 1)) as outstanding,
            min(s.outstanding_reason) filter (where s.from_last = 1 and s.outstanding is not null) as reason
        from line as l
        left join shipped as s
            on s.supplier_code = l.supplier_code and s.po_no = l.po_no and s.line_no = l.line_no
        group by l.supplier_code, l.po_no, l.line_no, l.quantity, l.received_quantity
    )

    update artery_erp.purchase_order_line as l
    set
        notified_quantity = n.notified,
        outstanding_quantity = n.outstanding,
        outstanding_reason = n.reason,
        short_quantity = n.short,
        short_closed = n.short > 0 and n.outstanding = 0
    from (
        select
            x.*,
            coalesce(trim_scale(greatest(0, x.quantity - x.notified - x.outstanding)), 0) as short
        from stands as x
    ) as n
    where
        l.supplier_code = n.supplier_code
        and l.po_no = n.po_no
        and l.line_no = n.line_no
        and (l.notified_quantity, l.outstanding_quantity, l.outstanding_reason, l.short_quantity)
        is distinct from (n.notified, n.outstanding, n.reason, n.short);
end
$function$;

comment on function artery_erp.settle_order_lines(text[], text[], integer[]) is
'Brings lines of purchase orders up to what their shipping notices say: shipped, outstanding, short, in excess';
revoke execute on function artery_erp.settle_order_lines(text[], text[], integer[]) from public;
