/* Money is counted in whole cents and exact integers, so nothing is rounded but where it says so,
   and always half up (away from zero), never half to even.

   Tax is levied on what the lines of one category and rate come to together:
       prices without tax:  tax = round(sum x rate)                     (EN 16931, BR-CO-17)
       prices with tax:     amount = round(sum : (1 + rate)), tax = sum - amount
   so that a buyer pays exactly what was agreed with tax. Each row gets its share of that tax:
   rounded down first, then the cents still missing go to the largest remainders. A row is thus less
   than a cent off its own exact tax, and the rows add up to the category. A line that is given away
   whole (a discount of 100 %) is shared out by itself, so that its two rows cancel each other. */
create or replace function artery_tax.invoice_totals(p_lines jsonb)
returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
set jit = off
as $function$
declare
    v_problems text;
    v_totals jsonb;
begin
    if jsonb_typeof(p_lines) is distinct from 'array' or p_lines = '[]' then
        v_problems := 'The lines are no array, or an empty one.';
    else
        select string_agg(l.problem, ' ' order by l.line_no)
        into v_problems
        from artery_tax._read_lines(p_lines) as l;
    end if;
    if v_problems is not null then
        raise exception using
            errcode = 'IN501',
            message = 'invoice lines that do not add up',
            detail = v_problems,
            hint = 'All that is wrong is named here: correct it and count again.';
    end if;

    with line as materialized (
        select
            l.*,
            case when l.discount = l.listed then l.line_no end as given_away
        from artery_tax._read_lines(p_lines) as l
    ),

    printed as (
        select
            row_number() over (order by l.line_no, r.position) as row_no,
            l.*,
            r.kind,
            r.sum * 100 as cents,
            l.rate * 1000000 as parts,
            case when l.tax_included then 1000000 + l.rate * 1000000 else 1000000 end as whole
        from line as l
        cross join lateral (values
            (1, case when l.discount = 0 then 'normal' else 'discounted' end, l.listed),
            (2, 'discount', -l.discount)
        ) as r (position, kind, sum)
        where r.position = 1 or l.discount <> 0
    ),

    class as (
        select
            g.*,
            case
                -- div() drops what is behind the point: exact, where a quotient would be rounded twice
                when g.tax_included then g.sum - sign(g.sum) * div(2 * abs(g.sum) * 1000000 + g.whole, 2 * g.whole)
                else sign(g.sum) * div(2 * abs(g.sum) * g.parts + g.whole, 2 * g.whole)
            end as tax
        from (
            select
                p.category,
                p.rate,
                p.tax_included,
                p.given_away,
                p.parts,
                p.whole,
                sum(p.cents) as sum,
                case when sum(p.cents) < 0 then -1 else 1 end as side
            from printed as p
            group by p.category, p.rate, p.tax_included, p.given_away, p.parts, p.whole
        ) as g
    ),

    floored as (
        select
            p.*,
            c.side,
            c.tax as class_tax,
            dense_rank() over (order by p.category, p.rate, p.tax_included, p.given_away) as class_no,
            floor_div.quotient as floored,
            c.side * p.cents * p.parts - floor_div.quotient * p.whole as remainder
        from printed as p
        inner join class as c
            on c.category = p.category
            and c.rate = p.rate
            and c.tax_included = p.tax_included
            and c.given_away is not distinct from p.given_away
        cross join lateral (
            select div(
                c.side * p.cents * p.parts
                - case when c.side * p.cents < 0 then p.whole - 1 else 0 end, p.whole
            ) as quotient
        ) as floor_div
    ),

    shared as (
        select
            f.*,
            f.side * (f.floored + case
                when row_number() over (
                    partition by f.class_no order by f.remainder desc, abs(f.cents) desc, f.row_no
                ) <= f.side * f.class_tax - sum(f.floored) over (partition by f.class_no)
                    then 1
                else 0
            end) as tax_cents
        from floored as f
    ),

    counted as (
        select
            s.*,
            s.tax_cents * 0.01 as tax,
            (s.cents - case when s.tax_included then s.tax_cents else 0 end) * 0.01 as amount
        from shared as s
    )

    select jsonb_build_object(
        'lines', jsonb_agg(
            case c.kind
                when 'discount' then c.line - array['quantity', 'price']
                else c.line || jsonb_build_object('quantity', c.quantity::text, 'price', c.price::text)
            end - array['discount', 'discount_rate', 'charge']
            || jsonb_build_object(
                'row_no', c.row_no,
                'line_no', c.line_no,
                'kind', c.kind,
                'tax_included', c.tax_included,
                'category', c.category,
                'rate', c.rate::text,
                'amount', round(c.amount, 2)::text,
                'tax', round(c.tax, 2)::text,
                'total', round(c.amount + c.tax, 2)::text
            )
            order by c.row_no
        ),
        'taxes', (
            select jsonb_agg(jsonb_build_object(
                'category', t.category,
                'rate', t.rate::text,
                'amount', round(t.amount, 2)::text,
                'tax', round(t.tax, 2)::text
            ) order by t.category, t.rate)
            from (
                select
                    x.category,
                    x.rate,
                    sum(x.amount) as amount,
                    sum(x.tax) as tax
                from counted as x
                group by x.category, x.rate
            ) as t
        ),
        'totals', jsonb_build_object(
            'amount', round(sum(c.amount), 2)::text,
            'tax', round(sum(c.tax), 2)::text,
            'total', round(sum(c.amount + c.tax), 2)::text
        )
    )
    into v_totals
    from counted as c;
    return v_totals;
end
$function$;

comment on function artery_tax.invoice_totals(jsonb) is
'Counts an invoice. Lines: [{"line_no", "quantity", "price", "rate" (0.13 = 13 %), "category", "tax_included", '
'"discount" or "discount_rate", "charge", "amount" (stated: within 0.02 of quantity × price ± charges, before the '
'discount), "tax" (stated: only checked), whatever else is carried along}], numbers as strings or JSON numbers. Gives {"lines": rows as '
'printed, a discount as a row of its own with "amount" (without tax), "tax", "total"; "taxes": each category and rate; "totals"}, '
'money as strings. Errors: IN501, all that is wrong with any line in the detail';
grant execute on function artery_tax.invoice_totals(jsonb) to artery_app, artery_reader;
