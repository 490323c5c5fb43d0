create or replace function artery_tax._document_number(p_body jsonb, p_key text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_no text := artery_erp.clean_code(
        case jsonb_typeof(p_body -> p_key) when 'string' then p_body ->> p_key end
    );
begin
    if v_no is null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('%s is missing, or not a string', p_key),
            detail = format('Got %s.', left(p_body::text, 200)),
            hint = format('Send {"%s": "…"}.', p_key);
    end if;
    return v_no;
end
$function$;
comment on function artery_tax._document_number(jsonb, text) is 'A document''s number in the body of an API call';

create or replace function artery_tax._no_document(p_source_type text, p_source_id text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
begin
    raise exception using
        errcode = 'IN507',
        message = format('there is no %s %s', replace(p_source_type, '_', ' '), p_source_id),
        detail = format('No row of artery_erp.%s has this number.', p_source_type),
        hint = 'Numbers are compared exactly, case included.';
end
$function$;
comment on function artery_tax._no_document(text, text) is 'Raises IN507';

create or replace function artery_tax._invoices_of(p_source_type text, p_source_id text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(jsonb_agg(jsonb_build_object(
    'order_no', v.order_no,
    'status', v.status,
    'task_id', v.task_id,
    'request_id', v.request_id,
    'invoice_no', v.invoice_no
) order by v.part), '[]')
from artery_erp.ar_invoice as v
where v.source_id = p_source_id and v.source_type = p_source_type and v.kind = 'blue' and v.status <> 'cancelled'
$function$;
comment on function artery_tax._invoices_of(text, text) is 'The invoices of a document, as the API tells of them';
