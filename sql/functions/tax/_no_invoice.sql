create or replace function artery_tax._no_invoice(p_order_no text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
begin
    raise exception using
        errcode = 'IN503',
        message = format('there is no invoice %s', coalesce(p_order_no, '(null)')),
        detail = 'No row of artery_erp.ar_invoice has this order number, or its profile is gone.',
        hint = 'Order numbers are ours (AR…), compared exactly; invoice_no is the number that the gateway gave.';
end
$function$;
comment on function artery_tax._no_invoice(text) is 'Raises IN503';
