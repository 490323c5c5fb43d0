create or replace function artery_erp.sales_shipment_guard()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery_erp.check_transition(
        'sales_shipment', new.shipment_no, case tg_op when 'INSERT' then 'new' else old.status end, new.status
    );
    if tg_op = 'UPDATE' and old.status <> 'draft' and (
        (new.shipment_no, new.customer_code, new.currency, new.tax_included)
        is distinct from (old.shipment_no, old.customer_code, old.currency, old.tax_included)
    ) then
        raise exception using
            errcode = 'IN103',
            message = format('shipment %s is %s: what it says is frozen', old.shipment_no, old.status),
            detail = 'Number, customer, currency and whether its prices include tax.',
            hint = 'What was shipped wrongly is taken back by a red invoice and a new shipment.';
    end if;
    new.posted_at := case
        when new.status <> 'posted' then null
        when tg_op = 'UPDATE' and old.status = 'posted' then old.posted_at
        else clock_timestamp()
    end;
    return new;
end
$function$;

create or replace trigger sales_shipment_guard
before insert or update of
    shipment_no, customer_code, status, currency, tax_included, posted_at
on artery_erp.sales_shipment
for each row
execute function artery_erp.sales_shipment_guard();

comment on function artery_erp.sales_shipment_guard() is
'Holds a shipment to its life cycle (IN103) and dates its posting';
