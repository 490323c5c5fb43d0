create or replace function artery_erp.ar_invoice_guard()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery_erp.check_transition(
        'ar_invoice', new.order_no, case tg_op when 'INSERT' then 'new' else old.status end, new.status
    );
    if tg_op = 'UPDATE' and (
        new.order_no <> old.order_no
        or (new.invoice_no, new.invoice_code) is distinct from (old.invoice_no, old.invoice_code)
        and old.invoice_no is not null
        or old.status in ('issued', 'partly_red', 'red', 'cancelled') and (
            new.kind, new.original_order_no, new.invoice_type, new.merchant, new.profile, new.buyer_name,
            new.buyer_tax_no, new.currency, new.amount, new.tax, new.total, new.request_id
        ) is distinct from (
            old.kind, old.original_order_no, old.invoice_type, old.merchant, old.profile, old.buyer_name,
            old.buyer_tax_no, old.currency, old.amount, old.tax, old.total, old.request_id
        )
    ) then
        raise exception using
            errcode = 'IN103',
            message = format('invoice %s is %s: what it says stands', old.order_no, old.status),
            detail = 'Number, merchant, buyer, amounts, Request-ID, and the number that the gateway gave.',
            hint = 'An invoice that is issued is taken back by a red one.';
    end if;
    return new;
end
$function$;

create or replace trigger ar_invoice_guard
before insert or update on artery_erp.ar_invoice
for each row
execute function artery_erp.ar_invoice_guard();

comment on function artery_erp.ar_invoice_guard() is
'Holds an invoice to its life cycle and, once issued, to what it says (IN103)';
