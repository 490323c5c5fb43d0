create or replace function artery_tax.note_invoice(
    p_order_no text, p_event text, p_detail jsonb default null,
    p_from_status text default null, p_to_status text default null, p_invoice_no text default null
)
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
insert into artery_tax.invoice_event (order_no, event, from_status, to_status, invoice_no, detail)
values (p_order_no, p_event, p_from_status, p_to_status, p_invoice_no, p_detail)
$function$;

comment on function artery_tax.note_invoice(text, text, jsonb, text, text, text) is
'Adds to an invoice''s history what no change of its status says';
revoke execute on function artery_tax.note_invoice(text, text, jsonb, text, text, text) from public;
