create or replace function artery_tax.sales_shipment_request_invoice()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if exists (select from artery_tax.merchant) and coalesce((
        select p.billing
        from artery_tax.customer_profile as p
        where p.customer_code = new.customer_code
    ), 'shipment') = 'shipment' then
        perform artery_tax.invoice_document('sales_shipment', new.shipment_no);
    end if;
    return null;
end
$function$;

create or replace trigger sales_shipment_request_invoice
after update on artery_erp.sales_shipment
for each row
when (old.status = 'draft' and new.status = 'posted')
execute function artery_tax.sales_shipment_request_invoice();

comment on function artery_tax.sales_shipment_request_invoice() is
'Invoices a shipment in the transaction that posts it, unless its customer is billed by settlement or no merchant is set up. Errors: IN502';
