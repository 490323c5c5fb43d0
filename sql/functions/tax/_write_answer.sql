create or replace function artery_tax._write_answer(p_order_no text, p_read jsonb, p_answer jsonb)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
update artery_erp.ar_invoice as v
set
    status = 'issued',
    invoice_no = p_read ->> 'number',
    invoice_code = p_read ->> 'code',
    issued_at = artery_tax._instant(p_read ->> 'issued_at', g.codes ->> 'time_zone'),
    response = p_answer,
    answered_at = clock_timestamp(),
    reason = null
from artery_tax.gateway_profile as g
where v.order_no = p_order_no and g.name = v.profile
$function$;
comment on function artery_tax._write_answer(text, jsonb, jsonb) is
'Writes number, code, date, status and the whole answer to the invoice';

create or replace function artery_tax._raise_alarm(
    p_order_no text, p_task_id bigint, p_differences jsonb, p_read jsonb, p_answer jsonb
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_tax.invoice_alarm as a (order_no, task_id, differences, answer, read)
    values (p_order_no, p_task_id, p_differences, coalesce(p_answer, 'null'), p_read)
    on conflict do nothing;
    if found then
        perform artery_tax.note_invoice(p_order_no, 'alarm', jsonb_build_object('differences', p_differences));
    end if;
end
$function$;
comment on function artery_tax._raise_alarm(text, bigint, jsonb, jsonb, jsonb) is
'Keeps an answer that contradicts what was asked for a person to decide; the same one again: once';

create or replace function artery_tax._refuse(
    p_order_no text, p_status text, p_reason text, p_answer jsonb
)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
update artery_erp.ar_invoice as v
set
    status = p_status,
    reason = p_reason,
    response = coalesce(p_answer, v.response),
    answered_at = clock_timestamp()
where v.order_no = p_order_no
$function$;
comment on function artery_tax._refuse(text, text, text, jsonb) is
'Writes that an invoice was refused, or never delivered, and why';

/* Each time twice as long as before. */
create or replace function artery_tax._ask_later(p_order_no text, p_answer jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_invoice record;
begin
    select
        v.request_id,
        g.topic_prefix || '.invoice.query' as topic,
        least(g.query_every * 2 ^ least(e.asked, 12), greatest(g.query_every, interval '10 minutes')) as wait
    into strict v_invoice
    from artery_erp.ar_invoice as v
    inner join artery_tax.gateway_profile as g on g.name = v.profile
    cross join lateral (
        select count(*) as asked
        from artery_tax.invoice_event as ev
        where ev.order_no = v.order_no and ev.event = 'processing' and ev.at >= v.requested_at
    ) as e
    where v.order_no = p_order_no;
    update artery_erp.ar_invoice as v
    set
        response = coalesce(p_answer, v.response),
        answered_at = clock_timestamp()
    where v.order_no = p_order_no;
    perform artery_tax.note_invoice(
        p_order_no, 'processing', jsonb_build_object('asked_again_in', v_invoice.wait)
    );
    perform artery.enqueue_task(
        v_invoice.topic,
        p_document_type => 'ar_invoice',
        p_document_id => p_order_no,
        p_due_at => clock_timestamp() + v_invoice.wait,
        p_path_params => jsonb_build_object('request_id', v_invoice.request_id)
    );
end
$function$;
comment on function artery_tax._ask_later(text, jsonb) is
'Asks the gateway again, by the request''s Request-ID, what became of an invoice that it is still working on';
