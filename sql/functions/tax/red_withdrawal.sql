-- By the Request-ID that the confirmation was asked for with: its number may be in doubt
create or replace function artery_tax.red_withdrawal(p_part jsonb)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_build_object(
    'document_type', 'ar_invoice',
    'document_id', r.order_no,
    'path_params', jsonb_build_object('confirmation_request_id', p_part ->> 'undoes'),
    'body', jsonb_build_object(
        'requestId', p_part ->> 'request_id',
        'orderNo', r.order_no,
        'confirmationRequestId', p_part ->> 'undoes',
        'confirmationNo', r.confirmation_no
    )
)
from artery_tax._red_letter_of(p_part) as r
$function$;

comment on function artery_tax.red_withdrawal(jsonb) is
'Step function of sagas: the request that takes a red letter''s confirmation back, when no red invoice came of it';
revoke execute on function artery_tax.red_withdrawal(jsonb) from public;
