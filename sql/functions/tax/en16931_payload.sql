/* Shaped as the semantic model of EN 16931, in its own terms; BT numbers beside them. A discount
   row of ours is an allowance of its line here, and prices are net. Tax of a category is its base
   times its rate exactly (BR-CO-17): where prices with tax make our tax a cent another, that cent
   is the rounding amount (BT-114), so that the amount due stays what was agreed. */
create or replace function artery_tax.en16931_payload(p_order_no text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_build_object(
    'invoiceNumber', v.order_no, -- BT-1
    'invoiceIssueDate', to_char(v.requested_at at time zone 'UTC', 'YYYY-MM-DD'), -- BT-2
    'invoiceTypeCode', g.codes #>> array['invoice_type', v.kind], -- BT-3
    'invoiceCurrencyCode', v.currency, -- BT-5
    'invoiceNote', v.remark, -- BT-22
    'precedingInvoiceReference', o.invoice_no, -- BT-25
    'seller', jsonb_build_object('name', m.name, 'vatIdentifier', m.tax_no, 'addressLine', m.address), -- BT-27, 31, 35
    'buyer', jsonb_build_object('name', v.buyer_name, 'vatIdentifier', v.buyer_tax_no, 'addressLine', v.buyer_address), -- BT-44, 48, 50
    'documentTotals', jsonb_build_object(
        'sumOfInvoiceLineNetAmount', v.amount::text, -- BT-106
        'invoiceTotalAmountWithoutVat', v.amount::text, -- BT-109
        'invoiceTotalVatAmount', t.tax::text, -- BT-110
        'invoiceTotalAmountWithVat', (v.amount + t.tax)::text, -- BT-112
        'roundingAmount', (v.total - v.amount - t.tax)::text, -- BT-114
        'amountDueForPayment', v.total::text -- BT-115
    ),
    'vatBreakdown', t.breakdown, -- BG-23
    'invoiceLines', l.lines -- BG-25
)
from artery_erp.ar_invoice as v
inner join artery_tax.gateway_profile as g on g.name = v.profile
inner join artery_tax.merchant as m on m.code = v.merchant
left join artery_erp.ar_invoice as o on o.order_no = v.original_order_no
cross join lateral (
    select
        sum(s.tax) as tax,
        jsonb_agg(jsonb_build_object(
            'vatCategoryTaxableAmount', s.amount::text, -- BT-116
            'vatCategoryTaxAmount', s.tax::text, -- BT-117
            'vatCategoryCode', s.category, -- BT-118
            'vatCategoryRate', trim_scale(s.rate * 100)::text -- BT-119
        ) order by s.category, s.rate) as breakdown
    from (
        select
            il.category,
            il.rate,
            sum(il.amount) as amount,
            round(sum(il.amount) * il.rate, 2) as tax
        from artery_erp.ar_invoice_line as il
        where il.order_no = v.order_no
        group by il.category, il.rate
    ) as s
) as t
cross join lateral (
    select jsonb_agg(jsonb_build_object(
        'invoiceLineIdentifier', il.line_no::text, -- BT-126
        'invoicedQuantity', il.quantity::text, -- BT-129
        'invoicedQuantityUnitOfMeasure', il.unit, -- BT-130
        'invoiceLineNetAmount', (il.amount + coalesce(d.amount, 0))::text, -- BT-131
        'invoiceLineAllowanceAmount', (-d.amount)::text, -- BT-136
        'itemNetPrice', trim_scale(case
            when il.tax_included then round(il.amount / il.quantity, 8)
            else il.price
        end)::text, -- BT-146
        'invoicedItemVatCategoryCode', il.category, -- BT-151
        'invoicedItemVatRate', trim_scale(il.rate * 100)::text, -- BT-152
        'itemName', il.name, -- BT-153
        'itemSellersIdentifier', il.item_code -- BT-155
    ) order by il.line_no) as lines
    from artery_erp.ar_invoice_line as il
    left join artery_erp.ar_invoice_line as d
        on d.order_no = il.order_no and d.line_no = il.line_no + 1 and d.kind = 'discount'
    where il.order_no = v.order_no and il.kind <> 'discount'
) as l
where v.order_no = p_order_no
$function$;

comment on function artery_tax.en16931_payload(text) is
'The request of the profile "en16931": an invoice in the terms of the European semantic model, as JSON';
revoke execute on function artery_tax.en16931_payload(text) from public;
