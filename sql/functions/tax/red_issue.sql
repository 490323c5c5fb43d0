/* The request goes out under the saga's Request-ID, and the red invoice has it before its payload
   is made. Run again after a rollback it does the same; a red invoice that is on its way, or
   issued, is never asked for a second time. */
create or replace function artery_tax.red_issue(p_part jsonb)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_letter artery_tax.red_letter := artery_tax._red_letter_of(p_part);
    v_needs boolean;
begin
    select g.needs_confirmation
    into v_needs
    from artery_erp.ar_invoice as v
    inner join artery_tax.gateway_profile as g on g.name = v.profile
    where v.order_no = v_letter.order_no
    for update of v;
    if v_needs is null or v_letter.status <> (case when v_needs then 'confirmed' else 'requested' end) then
        raise exception using
            errcode = 'IN533',
            message = format('red letter %s is %s: no red invoice is asked for', v_letter.order_no, coalesce(v_letter.status, 'not there')),
            detail = format('Of invoice %s, saga %s.', p_part #>> '{context,order_no}', p_part ->> 'saga'),
            hint = 'A red invoice follows a confirmation that agrees with what was asked: see artery_tax.red_letter and artery_tax.invoice_alarm.';
    end if;
    update artery_erp.ar_invoice as v
    set
        status = 'requested',
        request_id = (p_part ->> 'request_id')::uuid,
        requested_at = clock_timestamp()
    where v.order_no = v_letter.order_no;
    return jsonb_build_object(
        'document_type', 'ar_invoice',
        'document_id', v_letter.order_no,
        'body', artery_tax.tax_invoice_payload(v_letter.order_no)
    );
end
$function$;

comment on function artery_tax.red_issue(jsonb) is
'Step function of sagas: the request for the red invoice whose confirmation has come. Errors: IN533 it has not';
revoke execute on function artery_tax.red_issue(jsonb) from public;
