create or replace function artery_tax.tax_invoice_payload(p_order_no text)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_function text;
    v_payload jsonb;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the name was resolved to a function when the profile was stored
    select g.payload_function
    into v_function
    from artery_erp.ar_invoice as v
    inner join artery_tax.gateway_profile as g on g.name = v.profile
    where v.order_no = p_order_no;
    if not found then
        perform artery_tax._no_invoice(p_order_no);
    end if;
    execute format('select %s($1)', split_part(v_function, '(', 1)) into v_payload using p_order_no;
    return v_payload;
end
$function$;

comment on function artery_tax.tax_invoice_payload(text) is
'What the gateway is asked for an invoice, by the payload function of its profile. Errors: IN503 no such invoice';
grant execute on function artery_tax.tax_invoice_payload(text) to artery_app, artery_reader;
