/* Each document is invoiced once: whoever comes second gets the first one's invoices. All of it,
   the tasks to the gateway too, is in the caller's transaction. */
create or replace function artery_tax.create_invoices(
    p_source_type text, p_source_id text, p_header jsonb, p_lines jsonb
)
returns text[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_head record;
    v_lines jsonb;
    v_problems text;
    v_sum numeric;
    v_part record;
    v_orders text[];
begin
    if p_source_type is null or p_source_id is null then
        v_problems := 'The document has no type, or no number.';
    end if;
    perform pg_advisory_xact_lock(hashtextextended(format('artery_tax %s %s', p_source_type, p_source_id), 0));
    v_orders := array(
        select v.order_no
        from artery_erp.ar_invoice as v
        where v.source_id = p_source_id and v.source_type = p_source_type
            and v.kind = 'blue' and v.status <> 'cancelled'
        order by v.part
    );
    if v_orders <> '{}' then
        return v_orders;
    end if;

    select h.* into strict v_head from artery_tax._invoice_head(p_header) as h;
    select
        jsonb_agg(f.line order by f.line_no),
        concat_ws(' ', v_problems, v_head.problems, string_agg(f.problem, ' ' order by f.line_no))
    into v_lines, v_problems
    from artery_tax._fill_lines(p_lines, v_head.tax_included, v_head.profile) as f;
    select
        concat_ws(' ', nullif(v_problems, ''), string_agg(coalesce(l.problem, case
            when l.listed - l.discount > v_head.max_amount and l.quantity * (v_head.max_amount - 0.02)
                < (l.listed - l.discount) * case when l.quantity = trunc(l.quantity) then 1 else 0.0001 end
                then format('Line %s: one unit comes to more than the %s that an invoice may.', l.line_no, v_head.max_amount)
        end), ' ' order by l.line_no)),
        sum(l.listed - l.discount)
    into v_problems, v_sum
    from artery_tax._read_lines(coalesce(v_lines, '[{}]')) as l;
    if v_problems <> '' then
        raise exception using
            errcode = 'IN502',
            message = format('%s %s cannot be invoiced', p_source_type, p_source_id),
            detail = v_problems,
            hint = 'All that is wrong is named here. Tax data of items is in artery_tax.item_profile, of buyers in artery_erp.customer.';
    end if;
    if v_sum = 0 then
        return array[]::text[];
    end if;

    for v_part in
        select
            s.part,
            artery_tax.invoice_totals((
                select jsonb_agg(l.value - 'line_no' order by l.no)
                from jsonb_array_elements(s.lines) with ordinality as l (value, no)
            )) as counted
        from artery_tax._split_lines(v_lines, v_head.max_lines, v_head.max_amount) as s
        order by s.part
    -- one after the other, as each becomes a task of its own
    loop
        v_orders := v_orders || array[artery_tax._store_invoice(
            p_source_type, p_source_id, v_part.part, to_jsonb(v_head) || jsonb_build_object('remark', p_header ->> 'remark'),
            v_part.counted
        )];
        -- a draft waits for whoever asks for it: a saga, or artery_tax.request_invoice
        if p_header -> 'draft' is distinct from 'true' then
            perform artery_tax.request_invoice(v_orders[cardinality(v_orders)]);
        end if;
    end loop;
    return v_orders;
end
$function$;

comment on function artery_tax.create_invoices(text, text, jsonb, jsonb) is
'Makes the invoices of a document and asks the tax gateway for them, in the caller''s transaction; gives their order numbers, '
'several where it is over a limit, none where it comes to 0; of a document invoiced before, those. Header: {"customer" or "buyer": {"name", '
'"tax_no", "address", "phone", "bank", "bank_account", "natural_person"}, "merchant", "invoice_type", "currency", "tax_included", '
'"remark", "draft": true = ask the gateway later}; lines as for artery_tax.invoice_totals, with "item", "name", "unit", "spec", "tax_class_code", "policy". Errors: IN502, all '
'reasons in the detail';
grant execute on function artery_tax.create_invoices(text, text, jsonb, jsonb) to artery_app;
