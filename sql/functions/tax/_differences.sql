create or replace function artery_tax._instant(p_text text, p_zone text)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $function$
begin
    if p_text !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$' then
        return null;
    end if;
    if p_text ~ '(Z|[+-][0-9]{2}:?[0-9]{2})$' and p_text ~ ':' then
        return p_text::timestamptz;
    end if;
    return p_text::timestamp at time zone coalesce(p_zone, 'UTC');
exception when data_exception then
    return null;
end
$function$;
comment on function artery_tax._instant(text, text) is
'A time in ISO 8601, of the zone p_zone where it names none; null = it is none';

/* Names are compared as people read them: full-width forms folded, blanks left out; else each
   second buyer would be an alarm for the kind of bracket in his name. */
create or replace function artery_tax._differences(p_order_no text, p_read jsonb)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_agg(jsonb_build_object('field', d.field, 'asked', d.asked, 'answered', d.answered))
from artery_erp.ar_invoice as v
inner join artery_tax.gateway_profile as g on g.name = v.profile
inner join artery_tax.merchant as m on m.code = v.merchant
cross join lateral (values
    ('order_no', v.order_no, p_read ->> 'order_no', p_read ->> 'order_no' <> v.order_no),
    (
        'request_id', v.request_id::text, p_read ->> 'request_id',
        lower(p_read ->> 'request_id') is distinct from v.request_id::text and p_read ? 'request_id'
    ),
    (
        'number', coalesce(v.invoice_no, g.number_pattern, 'a number'), p_read ->> 'number',
        coalesce(p_read ->> 'number', '') = ''
        or p_read ->> 'number' !~ coalesce(g.number_pattern, '')
        or coalesce(p_read ->> 'number' <> v.invoice_no, false)
    ),
    (
        'number', 'a number of its own', p_read ->> 'number', exists (
            select
            from artery_erp.ar_invoice as o
            where o.invoice_no = p_read ->> 'number' and o.merchant = v.merchant
                and coalesce(o.invoice_code, '') = coalesce(p_read ->> 'code', '')
                and o.order_no <> v.order_no
        )
    ),
    (
        'issued_at', 'a time', p_read ->> 'issued_at',
        p_read ? 'issued_at' and artery_tax._instant(p_read ->> 'issued_at', g.codes ->> 'time_zone') is null
    ),
    (
        'amount', v.amount::text, p_read ->> 'amount',
        p_read ? 'amount' and artery_tax._decimal(p_read -> 'amount', 2) is distinct from v.amount
    ),
    (
        'tax', v.tax::text, p_read ->> 'tax',
        p_read ? 'tax' and artery_tax._decimal(p_read -> 'tax', 2) is distinct from v.tax
    ),
    (
        'total', v.total::text, p_read ->> 'total',
        p_read ? 'total' and artery_tax._decimal(p_read -> 'total', 2) is distinct from v.total
    ),
    (
        'buyer_name', v.buyer_name, p_read ->> 'buyer_name',
        regexp_replace(normalize(p_read ->> 'buyer_name', nfkc), '\s', '', 'g')
        <> regexp_replace(normalize(v.buyer_name, nfkc), '\s', '', 'g')
    ),
    (
        'buyer_tax_no', v.buyer_tax_no, p_read ->> 'buyer_tax_no',
        coalesce(upper(p_read ->> 'buyer_tax_no'), '') <> coalesce(v.buyer_tax_no, '') and p_read ? 'buyer_tax_no'
    ),
    ('seller_tax_no', m.tax_no, p_read ->> 'seller_tax_no', upper(p_read ->> 'seller_tax_no') <> m.tax_no)
) as d (field, asked, answered, differs)
where v.order_no = p_order_no and d.differs
$function$;
comment on function artery_tax._differences(text, jsonb) is
'In what an answer, as read_answer gives it, contradicts what was asked: [{"field", "asked", "answered"}]; null = in nothing';
