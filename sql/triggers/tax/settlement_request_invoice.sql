create or replace function artery_tax.settlement_request_invoice()
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
    ), 'shipment') <> 'none' then
        perform artery_tax.invoice_document('settlement', new.settlement_no);
    end if;
    return null;
end
$function$;

create or replace trigger settlement_request_invoice
after update on artery_erp.settlement
for each row
when (old.status = 'draft' and new.status = 'approved')
execute function artery_tax.settlement_request_invoice();

comment on function artery_tax.settlement_request_invoice() is
'Invoices a settlement in the transaction that approves it, unless no merchant is set up. Errors: IN502';
