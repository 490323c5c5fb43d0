create or replace function artery_procurement.settle_replies(p_supplier text, p_po_no text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_procurement.po_reply as r
    set status = s.status
    from (
        select
            x.reply_no,
            case
                when x.version < o.version then 'stale'
                when x.from_last > 1 then 'superseded'
                when x.reply = 'confirmed' then 'confirmed'
                else 'open'
            end as status
        from artery_erp.purchase_order as o
        inner join (
            select
                y.*,
                row_number() over (
                    partition by y.version order by y.replied_at desc, y.reply_no desc
                ) as from_last
            from artery_procurement.po_reply as y
            where y.supplier_code = p_supplier and y.po_no = p_po_no
        ) as x on x.supplier_code = o.supplier_code and x.po_no = o.po_no
        where o.supplier_code = p_supplier and o.po_no = p_po_no and x.decided_at is null
    ) as s
    where
        r.supplier_code = p_supplier
        and r.reply_no = s.reply_no
        and r.status <> s.status;
end
$function$;
comment on function artery_procurement.settle_replies(text, text) is
'Says of each undecided reply to an order how it stands: open, confirmed, superseded by a later one, stale';
revoke execute on function artery_procurement.settle_replies(text, text) from public;
