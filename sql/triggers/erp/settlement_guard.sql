create or replace function artery_erp.settlement_guard()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery_erp.check_transition(
        'settlement', new.settlement_no, case tg_op when 'INSERT' then 'new' else old.status end, new.status
    );
    if tg_op = 'UPDATE' and old.status <> 'draft' and (
        (new.settlement_no, new.customer_code, new.currency, new.tax_included)
        is distinct from (old.settlement_no, old.customer_code, old.currency, old.tax_included)
    ) then
        raise exception using
            errcode = 'IN103',
            message = format('settlement %s is %s: what it says is frozen', old.settlement_no, old.status),
            detail = 'Number, customer, currency and whether its prices include tax.',
            hint = 'What was settled wrongly is taken back by a red invoice and a new settlement.';
    end if;
    new.approved_at := case
        when new.status <> 'approved' then null
        when tg_op = 'UPDATE' and old.status = 'approved' then old.approved_at
        else clock_timestamp()
    end;
    return new;
end
$function$;

create or replace trigger settlement_guard
before insert or update of
    settlement_no, customer_code, status, currency, tax_included, approved_at
on artery_erp.settlement
for each row
execute function artery_erp.settlement_guard();

comment on function artery_erp.settlement_guard() is
'Holds a settlement to its life cycle (IN103) and dates its approval';
