create or replace function artery_api_v1.submit_po_reply(jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging.receive(
    'artery_staging.supplier_po_reply', artery_procurement.sender($1 ->> 'supplier'), $1 ->> 'message_id', $1
) - 'id'
$function$;
comment on function artery_api_v1.submit_po_reply(jsonb) is
'A supplier''s reply to a purchase order (docs/suppliers.md), taken at once -> {"status", "result" or "reasons"}. Again: '
'the same answer. Errors: 42501 the caller does not act for that supplier';
grant execute on function artery_api_v1.submit_po_reply(jsonb) to artery_app;
