/* A request that is under way, or whose outcome is unknown, is never sent anew under another
   Request-ID: that is how invoices are issued twice. Only one that surely came to nothing is. */
create or replace function artery_tax.request_invoice(p_order_no text, p_buyer jsonb default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_invoice record;
    v_topic text;
    v_task_status text;
    v_request_id uuid := artery._new_request_id();
    v_task_id bigint;
begin
    select
        v.status,
        v.kind,
        v.task_id,
        v.customer_code,
        g.topic_prefix || case v.kind when 'blue' then '.invoice.issue' else '.red.issue' end as topic
    into v_invoice
    from artery_erp.ar_invoice as v
    inner join artery_tax.gateway_profile as g on g.name = v.profile
    where v.order_no = p_order_no
    for update of v;
    if not found then
        perform artery_tax._no_invoice(p_order_no);
    end if;

    select t.status
    into v_task_status
    from artery.integration_task as t
    where t.id = v_invoice.task_id;
    if v_invoice.status = 'requested' and v_task_status is distinct from 'cancelled' then
        return v_invoice.task_id;
    end if;
    if v_invoice.status not in ('draft', 'requested', 'refused', 'undelivered')
        or v_task_status in ('pending', 'processing', 'failed', 'held')
    then
        raise exception using
            errcode = 'IN504',
            message = format('invoice %s is %s and cannot be requested', p_order_no, v_invoice.status),
            detail = coalesce(format('Task %s is %s.', v_invoice.task_id, v_task_status), 'It has no task under way.'),
            hint = case
                when v_task_status = 'held'
                    then 'Its outcome is unknown: look it up at the gateway, then artery.resolve_task.'
                when v_task_status is not null and v_invoice.status in ('refused', 'undelivered')
                    then 'It was set going again: wait for its end.'
                else 'What is issued is taken back by a red invoice; a cancelled one is made anew from its document.'
            end;
    end if;

    v_topic := v_invoice.topic;
    if not exists (select from artery.route as r where r.topic = v_topic) then
        return null;
    end if;
    if v_task_status = 'dead' then
        perform artery.cancel_task(v_invoice.task_id, 'requested anew');
    end if;
    if p_buyer is not null or v_invoice.customer_code is not null and v_invoice.kind = 'blue' then
        perform artery_tax._set_buyer(p_order_no, p_buyer);
    end if;
    update artery_erp.ar_invoice as v
    set
        status = 'requested',
        request_id = v_request_id,
        requested_at = clock_timestamp(),
        reason = null
    where v.order_no = p_order_no;
    v_task_id := artery.enqueue_task(
        v_topic,
        artery_tax.tax_invoice_payload(p_order_no),
        p_request_id => v_request_id,
        p_document_type => 'ar_invoice',
        p_document_id => p_order_no
    );
    update artery_erp.ar_invoice as v
    set task_id = v_task_id
    where v.order_no = p_order_no;
    return v_task_id;
end
$function$;

comment on function artery_tax.request_invoice(text, jsonb) is
'Asks the gateway for an invoice that is a draft, was refused or never delivered, under a new Request-ID, with its customer''s data as '
'they are now (or with what p_buyer corrects); gives the task''s id. Under way already: its task. Null where no gateway is set up. Errors: IN503 no '
'such invoice, IN504 not in a status for that';
grant execute on function artery_tax.request_invoice(text, jsonb) to artery_app, artery_operator;
