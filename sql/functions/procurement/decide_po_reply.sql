/* Whatever the buyer decides, the supplier hears of it: by the change that a proposal accepted
   makes, by the cancellation that a refusal accepted is, or by the same order again under the next
   version, with the decision in it. */
create or replace function artery_procurement.decide_po_reply(
    p_supplier text, p_reply_no text, p_accept boolean, p_note text default null
)
returns integer
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_reply record;
    v_version integer;
begin
    -- one version for all of it, even where the transaction has made constraints immediate
    set constraints artery_erp.purchase_order_push deferred;
    perform artery_procurement.lock_order_lines(p_supplier, array_agg(r.po_no), array_agg(l.line_no))
    from artery_procurement.po_reply as r
    inner join artery_procurement.po_reply_line as l
        on l.supplier_code = r.supplier_code and l.reply_no = r.reply_no
    where r.supplier_code = p_supplier and r.reply_no = p_reply_no;
    perform
    from artery_erp.purchase_order as o
    inner join artery_procurement.po_reply as r
        on r.supplier_code = o.supplier_code and r.po_no = o.po_no
    where r.supplier_code = p_supplier and r.reply_no = p_reply_no
    for no key update of o;
    select
        r.po_no,
        r.reply,
        r.status,
        o.status as order_status
    into v_reply
    from artery_procurement.po_reply as r
    inner join artery_erp.purchase_order as o
        on o.supplier_code = r.supplier_code and o.po_no = r.po_no
    where r.supplier_code = p_supplier and r.reply_no = p_reply_no;
    if not found or v_reply.status <> 'open' or v_reply.order_status <> 'approved' then
        raise exception using
            errcode = 'IN614',
            message = format('reply %s of %s is not open to a decision', p_reply_no, p_supplier),
            detail = case when v_reply.status is null then 'There is no such reply.'
                else format('The reply is %s, the order %s.', v_reply.status, v_reply.order_status)
            end,
            hint = 'select * from artery_procurement.po_reply where status = ''open'' tells which are.';
    end if;

    update artery_procurement.po_reply as r
    set
        status = case when p_accept then 'accepted' else 'rejected' end,
        decided_at = clock_timestamp(),
        decided_by = session_user,
        note = p_note
    where r.supplier_code = p_supplier and r.reply_no = p_reply_no;
    if p_accept and v_reply.reply = 'counter' then
        update artery_erp.purchase_order_line as l
        set
            quantity = coalesce(p.quantity, l.quantity),
            unit_price = coalesce(p.unit_price, l.unit_price),
            due_at = coalesce(p.due_at, l.due_at)
        from artery_procurement.po_reply_line as p
        where
            p.supplier_code = p_supplier
            and p.reply_no = p_reply_no
            and l.supplier_code = p_supplier
            and l.po_no = v_reply.po_no
            and l.line_no = p.line_no;
    end if;
    update artery_erp.purchase_order as o
    set
        status = case when p_accept and v_reply.reply = 'refused' then 'cancelled' else o.status end,
        untold = true
    where o.supplier_code = p_supplier and o.po_no = v_reply.po_no;
    perform artery_procurement.push_po(p_supplier, v_reply.po_no);

    select o.version
    into strict v_version
    from artery_erp.purchase_order as o
    where o.supplier_code = p_supplier and o.po_no = v_reply.po_no;
    return v_version;
end
$function$;
comment on function artery_procurement.decide_po_reply(text, text, boolean, text) is
'The buyer accepts or rejects an open refusal or counter-proposal; gives the version of the order that tells the '
'supplier. Accepted: the lines become as proposed, or the order is cancelled. Errors: IN614 not open';
grant execute on function artery_procurement.decide_po_reply(text, text, boolean, text)
to artery_app;
