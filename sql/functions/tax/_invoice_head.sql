create or replace function artery_tax._invoice_head(p_header jsonb)
returns table (
    merchant text, profile text, max_lines integer, max_amount numeric, customer_code text,
    buyer jsonb, invoice_type text, currency text, tax_included boolean, problems text
)
language plpgsql
stable
rows 1
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select
        m.code,
        g.name,
        g.max_lines,
        coalesce(m.max_amount, g.max_amount),
        c.code,
        b.buyer,
        t.invoice_type,
        coalesce(p_header ->> 'currency', 'CNY'),
        coalesce(p_header -> 'tax_included' = 'true', false),
        nullif(concat_ws(' ',
            case when jsonb_typeof(p_header) is distinct from 'object' then 'The header is no object.' end,
            case
                when p_header ? 'merchant' and m.code is null then format('There is no merchant %s.', p_header ->> 'merchant')
                when m.code is null then 'No merchant is named, and none is the default.'
            end,
            case
                when p_header ->> 'customer' is not null and p_header -> 'buyer' is not null
                    then 'The header has both a customer and a buyer.'
                when p_header ->> 'customer' is not null and c.code is null
                    then format('There is no customer %s.', p_header ->> 'customer')
                when coalesce(b.buyer ->> 'name', '') !~ '[^[:space:]]' then 'The buyer has no name.'
                when b.buyer ->> 'tax_no' !~ '^[A-Z0-9]{5,30}$' then format('Tax number %s is none.', b.buyer ->> 'tax_no')
            end,
            case
                when t.invoice_type not in ('ordinary', 'special') then format('There is no invoice type %s.', t.invoice_type)
                when t.invoice_type = 'special' and b.buyer ->> 'tax_no' is null
                    then 'A special invoice needs the buyer''s tax number.'
            end,
            case when p_header ->> 'currency' !~ '^[A-Z]{3}$' then 'The currency is no code of three letters.' end
        ), '')
    from (select p_header ->> 'customer' as customer) as h
    left join artery_erp.customer as c on c.code = h.customer
    left join artery_tax.customer_profile as cp on cp.customer_code = c.code
    left join artery_tax.merchant as m on case
        when coalesce(p_header ->> 'merchant', cp.merchant) is null then m.is_default
        else m.code = coalesce(p_header ->> 'merchant', cp.merchant)
    end
    left join artery_tax.gateway_profile as g on g.name = m.profile
    cross join lateral (
        select case
            when c.code is null then p_header -> 'buyer'
            else jsonb_build_object(
                'name', c.name, 'tax_no', c.tax_no, 'address', c.address, 'phone', c.phone,
                'bank', c.bank, 'bank_account', c.bank_account, 'natural_person', c.natural_person
            )
        end as buyer
    ) as b
    cross join lateral (
        select coalesce(p_header ->> 'invoice_type', cp.invoice_type, 'ordinary') as invoice_type
    ) as t;
end
$function$;
comment on function artery_tax._invoice_head(jsonb) is
'Who sells to whom, by which gateway profile, and why not; always one row';
