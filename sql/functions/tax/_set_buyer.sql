create or replace function artery_tax._set_buyer(p_order_no text, p_buyer jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_erp.ar_invoice as v
    set
        buyer_name = coalesce(p_buyer ->> 'name', c.name, v.buyer_name),
        buyer_tax_no = coalesce(p_buyer ->> 'tax_no', c.tax_no, v.buyer_tax_no),
        buyer_address = coalesce(p_buyer ->> 'address', c.address, v.buyer_address),
        buyer_phone = coalesce(p_buyer ->> 'phone', c.phone, v.buyer_phone),
        buyer_bank = coalesce(p_buyer ->> 'bank', c.bank, v.buyer_bank),
        buyer_account = coalesce(p_buyer ->> 'bank_account', c.bank_account, v.buyer_account),
        buyer_natural_person = coalesce((p_buyer -> 'natural_person')::boolean, c.natural_person, v.buyer_natural_person)
    from artery_erp.ar_invoice as self
    left join artery_erp.customer as c on c.code = self.customer_code
    where v.order_no = p_order_no and self.order_no = v.order_no;
end
$function$;
comment on function artery_tax._set_buyer(text, jsonb) is
'Brings an invoice''s buyer up to date: what p_buyer says, else the customer''s data as they are now';
