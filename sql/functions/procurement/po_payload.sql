/* What the supplier is told: always the whole order as it now stands, so that the highest version
   alone says everything. Quantities and prices are decimal strings, times UTC. A cancellation
   carries no lines. "decision" is what the buyer said to a reply to the version before. */
create or replace function artery_procurement.po_payload(
    p_supplier text, p_po_no text, p_action text default 'approve'
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
begin
    return (
        select jsonb_build_object(
            'supplier', o.supplier_code,
            'po_no', o.po_no,
            'version', o.version,
            'action', p_action,
            'status', o.status,
            'currency', o.currency,
            'ordered_at', o.ordered_at,
            'deliver_to', jsonb_build_object('code', w.code, 'name', w.name),
            'note', o.note,
            'decision', (
                select jsonb_build_object(
                    'message_id', r.reply_no, 'reply', r.reply, 'decision', r.status, 'note', r.note
                )
                from artery_procurement.po_reply as r
                where
                    r.supplier_code = o.supplier_code
                    and r.po_no = o.po_no
                    and r.version = o.version - 1
                    and r.decided_at is not null
                order by r.decided_at desc
                limit 1
            )
        ) || case when p_action = 'cancel' then '{}' else jsonb_build_object(
            'lines', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'line_no', l.line_no,
                    'item', l.item_code,
                    'name', i.name,
                    'quantity', trim_scale(l.quantity)::text,
                    'unit', l.unit,
                    'unit_price', trim_scale(l.unit_price)::text,
                    'due_at', l.due_at,
                    'over_delivery_rate', trim_scale(l.over_delivery_rate)::text,
                    'received', trim_scale(l.received_quantity)::text,
                    'lot_tracked', i.lot_tracked
                ) order by l.line_no), '[]')
                from artery_erp.purchase_order_line as l
                inner join artery_erp.item as i on i.code = l.item_code
                where l.supplier_code = o.supplier_code and l.po_no = o.po_no
            )
        ) end
        from artery_erp.purchase_order as o
        left join artery_erp.warehouse as w on w.code = o.warehouse_code
        where o.supplier_code = p_supplier and o.po_no = p_po_no
    );
end
$function$;
comment on function artery_procurement.po_payload(text, text, text) is
'The message that tells a supplier of a purchase order: p_action approve, change or cancel';
grant execute on function artery_procurement.po_payload(text, text, text) to artery_reader;
