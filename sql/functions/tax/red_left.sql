/* A discount row is one with the line it belongs to: a red invoice has no discount rows. What a
   red letter holds counts from its request on, so that two at once cannot take the same back. */
create or replace function artery_tax.red_left(p_order_no text)
returns table (
    line_no integer, name text, unit text, rate numeric, issued_quantity numeric,
    issued_amount numeric, issued_tax numeric, quantity numeric, amount numeric, tax numeric
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    l.line_no,
    l.name,
    l.unit,
    l.rate,
    l.quantity,
    n.amount,
    n.tax,
    l.quantity + r.quantity,
    n.amount + r.amount,
    n.tax + r.tax
from artery_erp.ar_invoice_line as l
left join artery_erp.ar_invoice_line as d
    on d.order_no = l.order_no and d.line_no = l.line_no + 1 and d.kind = 'discount'
cross join lateral (
    select
        l.amount + coalesce(d.amount, 0) as amount,
        l.tax + coalesce(d.tax, 0) as tax
) as n
cross join lateral (
    select
        coalesce(sum(rl.quantity), 0) as quantity,
        coalesce(sum(rl.amount), 0) as amount,
        coalesce(sum(rl.tax), 0) as tax
    from artery_erp.ar_invoice as rv
    inner join artery_erp.ar_invoice_line as rl on rl.order_no = rv.order_no
    where
        rv.original_order_no = l.order_no
        and rv.kind = 'red'
        and rv.status <> 'cancelled'
        and rl.original_line_no = l.line_no
) as r
where l.order_no = p_order_no and l.kind <> 'discount'
order by l.line_no
$function$;

comment on function artery_tax.red_left(text) is
'What of a blue invoice can still be taken back, line by line: quantity, amount (without tax) and tax, discounts '
'taken off, beside what was issued; what is being taken back counts as gone';
grant execute on function artery_tax.red_left(text) to artery_app, artery_reader;
