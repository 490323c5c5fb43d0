create or replace function artery_tax._store_invoice(
    p_source_type text, p_source_id text, p_part integer, p_head jsonb, p_counted jsonb
)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_order_no text;
begin
    insert into artery_erp.ar_invoice as v (
        invoice_type, source_type, source_id, part, merchant, profile, customer_code, buyer_name,
        buyer_tax_no, buyer_address, buyer_phone, buyer_bank, buyer_account, buyer_natural_person,
        currency, remark, amount, tax, total
    )
    select
        p_head ->> 'invoice_type', p_source_type, p_source_id, p_part, p_head ->> 'merchant',
        p_head ->> 'profile', p_head ->> 'customer_code', b.name, b.tax_no, b.address, b.phone, b.bank,
        b.bank_account, coalesce(b.natural_person, false), p_head ->> 'currency', p_head ->> 'remark', t.amount, t.tax, t.total
    from jsonb_to_record(p_head -> 'buyer') as b (
        name text, tax_no text, address text, phone text, bank text, bank_account text,
        natural_person boolean
    )
    cross join jsonb_to_record(p_counted -> 'totals') as t (amount numeric, tax numeric, total numeric)
    returning v.order_no into v_order_no;

    insert into artery_erp.ar_invoice_line (
        order_no, line_no, source_line_no, kind, item_code, name, tax_class_code, spec, unit, quantity,
        price, tax_included, amount, category, rate, tax, policy
    )
    select
        v_order_no, l.row_no, l.source_line_no, l.kind, l.item, l.name, l.tax_class_code, l.spec, l.unit,
        l.quantity, l.price, l.tax_included, l.amount, l.category, l.rate, l.tax, l.policy
    from jsonb_to_recordset(p_counted -> 'lines') as l (
        row_no integer, source_line_no integer, kind text, item text, name text, tax_class_code text,
        spec text, unit text, quantity numeric, price numeric, tax_included boolean, amount numeric,
        category text, rate numeric, tax numeric, policy text
    );
    return v_order_no;
end
$function$;
comment on function artery_tax._store_invoice(text, text, integer, jsonb, jsonb) is
'Writes one blue invoice with its lines as artery_tax.invoice_totals counted them; gives its order number';
