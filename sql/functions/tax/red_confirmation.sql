/* Two sagas ask for confirmations: a red letter of its own, which has its red invoice by now, and
   one that undoes an invoice, which makes it here. */
create or replace function artery_tax.red_confirmation(p_part jsonb)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_order_no text := (artery_tax._red_letter_of(p_part)).order_no;
begin
    if v_order_no is null then
        v_order_no := artery_tax._draft_red_letter(
            p_part #>> '{context,order_no}', coalesce(p_part #>> '{context,red_reason}', '01'), null,
            format('Saga %s is undone.', p_part ->> 'saga'), null, (p_part ->> 'saga')::bigint
        );
    end if;
    return (
        select jsonb_build_object(
            'document_type', 'ar_invoice',
            'document_id', v.order_no,
            'body', (p.payload - array[
                'invoiceType', 'color', 'drawer', 'reviewer', 'payee', 'remark', 'red'
            ]) || (p.payload -> 'red') - 'confirmationNo' || jsonb_build_object(
                'requestId', p_part ->> 'request_id', 'applicant', 'seller', 'note', v.remark
            )
        )
        from artery_erp.ar_invoice as v
        cross join lateral (select artery_tax.tax_invoice_payload(v.order_no) as payload) as p
        where v.order_no = v_order_no
    );
end
$function$;

comment on function artery_tax.red_confirmation(jsonb) is
'Step function of sagas: the request for the confirmation of a red letter; where the saga undoes an invoice ({"order_no"} in its context, '
'"red_reason" if not 01), of all that is left of it. Errors: IN503, IN530';
revoke execute on function artery_tax.red_confirmation(jsonb) from public;
