/* The fully digitalised invoice. Money, quantities, prices and rates are strings: a reader that
   takes JSON numbers for binary floats would change them. So are all numbers that are names:
   classification codes of 19 digits, tax numbers, accounts. */
create or replace function artery_tax.digital_payload(p_order_no text)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return (
        select jsonb_build_object(
            'requestId', v.request_id,
            'orderNo', v.order_no,
            'invoiceType', g.codes #>> array['invoice_type', v.invoice_type],
            'color', v.kind,
            'currency', v.currency,
            'seller', jsonb_build_object(
                'name', m.name,
                'taxNo', m.tax_no,
                'address', m.address,
                'phone', m.phone,
                'bank', m.bank,
                'account', m.bank_account
            ),
            'buyer', jsonb_build_object(
                'name', v.buyer_name,
                'taxNo', v.buyer_tax_no,
                'address', v.buyer_address,
                'phone', v.buyer_phone,
                'bank', v.buyer_bank,
                'account', v.buyer_account,
                'naturalPerson', v.buyer_natural_person
            ),
            'drawer', m.drawer,
            'reviewer', m.reviewer,
            'payee', m.payee,
            'remark', v.remark,
            'totalAmount', v.amount::text,
            'totalTax', v.tax::text,
            'totalWithTax', v.total::text,
            'lineCount', l.count,
            'lines', l.lines
        ) || case v.kind when 'red' then jsonb_build_object('red', jsonb_build_object(
            'originalInvoiceNo', b.invoice_no,
            'originalIssuedAt', to_char(b.issued_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI:SS+08:00'),
            'reason', rl.reason,
            'confirmationNo', rl.confirmation_no
        )) else '{}' end
        from artery_erp.ar_invoice as v
        inner join artery_tax.gateway_profile as g on g.name = v.profile
        inner join artery_tax.merchant as m on m.code = v.merchant
        left join artery_erp.ar_invoice as b on b.order_no = v.original_order_no
        left join artery_tax.red_letter as rl on rl.order_no = v.order_no
        cross join lateral (
            select
                count(*) as count,
                jsonb_agg(jsonb_build_object(
                    'lineNo', il.line_no,
                    'lineKind', g.codes #>> array['line_kind', il.kind],
                    'name', il.name,
                    'taxClassCode', il.tax_class_code,
                    'spec', il.spec,
                    'unit', il.unit,
                    'quantity', il.quantity::text,
                    'price', il.price::text,
                    'priceIncludesTax', il.tax_included,
                    'amount', il.amount::text,
                    'taxRate', il.rate::text,
                    'tax', il.tax::text,
                    'policyFlag', case when il.policy is null then '0' else '1' end,
                    'policyCode', il.policy,
                    'policyName', p.name,
                    'zeroRateFlag', c.zero_rate_flag
                ) order by il.line_no) as lines
            from artery_erp.ar_invoice_line as il
            inner join artery_tax.tax_category as c on c.code = il.category
            left join artery_tax.preferential_policy as p on p.code = il.policy
            where il.order_no = v.order_no
        ) as l
        where v.order_no = p_order_no
    );
end
$function$;

comment on function artery_tax.digital_payload(text) is
'The request of the profile "digital" (the fully digitalised invoice of China) for an invoice; docs/invoices.md has its fields';
revoke execute on function artery_tax.digital_payload(text) from public;
