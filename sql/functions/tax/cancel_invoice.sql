create or replace function artery_tax.cancel_invoice(p_order_no text, p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_invoice record;
begin
    select
        v.status,
        v.task_id,
        t.status as task_status
    into v_invoice
    from artery_erp.ar_invoice as v
    left join artery.integration_task as t on t.id = v.task_id
    where v.order_no = p_order_no
    for update of v;
    if not found then
        perform artery_tax._no_invoice(p_order_no);
    end if;
    if v_invoice.status = 'cancelled' then
        return;
    end if;
    if v_invoice.status not in ('draft', 'refused', 'undelivered')
        or v_invoice.task_status in ('pending', 'processing', 'failed', 'held')
    then
        raise exception using
            errcode = 'IN504',
            message = format('invoice %s is %s and cannot be cancelled', p_order_no, v_invoice.status),
            detail = coalesce(format('Task %s is %s.', v_invoice.task_id, v_invoice.task_status), 'It has no task.'),
            hint = 'Only what surely is not issued can be: wait for the gateway''s answer; take back what is issued by a red invoice.';
    end if;
    if v_invoice.task_status = 'dead' then
        perform artery.cancel_task(v_invoice.task_id, p_reason);
    end if;
    update artery_erp.ar_invoice as v
    set
        status = 'cancelled',
        reason = p_reason
    where v.order_no = p_order_no;
end
$function$;

comment on function artery_tax.cancel_invoice(text, text) is
'Gives up an invoice that was never issued; its document can then be invoiced anew. Again: nothing. Errors: IN503 no such invoice, '
'IN504 it may be issued';
grant execute on function artery_tax.cancel_invoice(text, text) to artery_app, artery_operator;
