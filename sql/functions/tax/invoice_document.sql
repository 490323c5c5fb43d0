-- What a settlement bills of a shipment must have been shipped, to the same customer, and not be
-- billed twice
create or replace function artery_tax._settlement_problems(p_settlement_no text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select string_agg(format('Line %s: ', l.line_no) || p.problem || '.', ' ' order by l.line_no)
from artery_erp.settlement as s
inner join artery_erp.settlement_line as l on l.settlement_no = s.settlement_no
inner join artery_erp.sales_shipment as d on d.shipment_no = l.shipment_no
inner join artery_erp.sales_shipment_line as dl
    on dl.shipment_no = l.shipment_no and dl.line_no = l.shipment_line_no
cross join lateral (
    select nullif(concat_ws(', ',
        case when d.status <> 'posted' then format('shipment %s is %s', d.shipment_no, d.status) end,
        case when d.customer_code <> s.customer_code then format('shipment %s is another customer''s', d.shipment_no) end,
        case
            when (l.item_code, l.unit) <> (dl.item_code, dl.unit) then
                format('shipment %s, line %s is %s in %s', d.shipment_no, dl.line_no, dl.item_code, dl.unit)
        end,
        case
            when exists (
                select
                from artery_erp.ar_invoice as v
                where v.source_type = 'sales_shipment' and v.source_id = d.shipment_no
                    and v.kind = 'blue' and v.status <> 'cancelled'
            ) then format('shipment %s has its own invoice', d.shipment_no)
        end,
        case
            when (
                select sum(o.quantity)
                from artery_erp.settlement_line as o
                inner join artery_erp.settlement as os on os.settlement_no = o.settlement_no
                where o.shipment_no = dl.shipment_no and o.shipment_line_no = dl.line_no
                    and (os.status = 'approved' or os.settlement_no = s.settlement_no)
            ) > dl.quantity then format('more is settled of shipment %s, line %s than was shipped', d.shipment_no, dl.line_no)
        end
    ), '') as problem
) as p
where s.settlement_no = p_settlement_no
$function$;
comment on function artery_tax._settlement_problems(text) is
'Why the lines of a settlement cannot be billed; null = they can';

create or replace function artery_tax.invoice_document(p_source_type text, p_source_id text)
returns text[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_document record;
    v_problems text;
begin
    if p_source_type = 'settlement' then
        -- two settlements of one shipment: the second waits, and counts the first
        perform
        from artery_erp.sales_shipment as d
        where d.shipment_no in (
            select l.shipment_no
            from artery_erp.settlement_line as l
            where l.settlement_no = p_source_id
        )
        order by d.shipment_no
        for update;
        v_problems := artery_tax._settlement_problems(p_source_id);
        if v_problems is not null then
            raise exception using
                errcode = 'IN502',
                message = format('settlement %s cannot be invoiced', p_source_id),
                detail = v_problems,
                hint = 'All that is wrong is named here.';
        end if;
    end if;
    with document as (
        select s.customer_code, s.currency, s.tax_included, s.remark
        from artery_erp.sales_shipment as s
        where p_source_type = 'sales_shipment' and s.shipment_no = p_source_id and s.status = 'posted'
        union all
        select s.customer_code, s.currency, s.tax_included, s.remark
        from artery_erp.settlement as s
        where p_source_type = 'settlement' and s.settlement_no = p_source_id and s.status = 'approved'
    ),

    line as (
        select l.line_no, l.item_code, l.quantity, l.unit, l.unit_price, l.discount, l.tax_rate
        from artery_erp.sales_shipment_line as l
        where p_source_type = 'sales_shipment' and l.shipment_no = p_source_id
        union all
        select l.line_no, l.item_code, l.quantity, l.unit, l.unit_price, l.discount, l.tax_rate
        from artery_erp.settlement_line as l
        where p_source_type = 'settlement' and l.settlement_no = p_source_id
    )

    select
        jsonb_build_object(
            'customer', d.customer_code, 'currency', d.currency, 'tax_included', d.tax_included, 'remark', d.remark
        ) as header,
        (
            select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                'line_no', l.line_no,
                'item', l.item_code,
                'quantity', l.quantity::text,
                'unit', l.unit,
                'price', l.unit_price::text,
                'discount', nullif(l.discount, 0)::text,
                'rate', l.tax_rate::text
            )) order by l.line_no)
            from line as l
        ) as lines
    into v_document
    from document as d;
    if not found then
        raise exception using
            errcode = 'IN507',
            message = format('there is no %s %s that could be invoiced', p_source_type, p_source_id),
            detail = 'Posted shipments (sales_shipment) and approved settlements (settlement) can be.',
            hint = 'Documents of other kinds: artery_tax.create_invoices.';
    end if;
    return artery_tax.create_invoices(p_source_type, p_source_id, v_document.header, v_document.lines);
end
$function$;

comment on function artery_tax.invoice_document(text, text) is
'Invoices a posted shipment (sales_shipment) or an approved settlement, as its posting did, where those invoices were cancelled; gives the order '
'numbers. Errors: IN502 it cannot be invoiced, all reasons; IN507 no such document, or not posted';
grant execute on function artery_tax.invoice_document(text, text) to artery_app, artery_operator;
