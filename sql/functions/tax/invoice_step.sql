create or replace function artery_tax.invoice_step(p_part jsonb)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_order_no constant text := p_part #>> '{context,order_no}';
begin
    update artery_erp.ar_invoice as v
    set
        status = 'requested',
        request_id = (p_part ->> 'request_id')::uuid,
        requested_at = clock_timestamp()
    where v.order_no = v_order_no and v.status = 'draft';
    if not found then
        raise exception using
            errcode = 'IN504',
            message = format('there is no invoice %s that is a draft', coalesce(v_order_no, '(null)')),
            detail = format('Saga %s, step %s.', p_part ->> 'saga', p_part ->> 'step'),
            hint = 'Make it by artery_tax.create_invoices with "draft": true in its header, and name its order_no in the saga''s context.';
    end if;
    return jsonb_build_object(
        'document_type', 'ar_invoice',
        'document_id', v_order_no,
        'body', artery_tax.tax_invoice_payload(v_order_no)
    );
end
$function$;

comment on function artery_tax.invoice_step(jsonb) is
'Step function of sagas: asks for the draft invoice of the context''s order_no. Errors: IN504 it is no draft';
revoke execute on function artery_tax.invoice_step(jsonb) from public;
