-- As text first: numeric takes NaN, and 1e131071 is a number of 131,072 digits. Inlined into its
-- callers: hence no search_path
create or replace function artery_tax._decimal(p_value jsonb, p_places integer)
returns numeric
language sql
immutable
parallel safe
as $function$
select case
    when jsonb_typeof(p_value) in ('string', 'number')
        and p_value #>> '{}' ~ ('^-?[0-9]{1,13}(\.[0-9]{1,' || p_places::text || '}0*)?$')
        then trim_scale((p_value #>> '{}')::numeric)
end
$function$;
comment on function artery_tax._decimal(jsonb, integer) is
'A decimal number, given as a JSON number or string, of 13 digits and p_places decimals at most; else null';

-- PL/pgSQL, because it keeps its plan from one call to the next
create or replace function artery_tax._read_lines(p_lines jsonb)
returns table (
    line_no integer, line jsonb, quantity numeric, price numeric, tax_included boolean,
    listed numeric, discount numeric, rate numeric, category text, problem text
)
language plpgsql
immutable
parallel safe
rows 10
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    with line as (
        select
            case
                when not e.value ? 'line_no' then e.no::integer
                when e.value ->> 'line_no' ~ '^[1-9][0-9]{0,8}$' then (e.value ->> 'line_no')::integer
            end as line_no,
            e.no,
            e.value as line,
            artery_tax._decimal(e.value -> 'quantity', 8) as quantity,
            artery_tax._decimal(e.value -> 'price', 8) as price,
            artery_tax._decimal(e.value -> 'amount', 2) as amount,
            artery_tax._decimal(e.value -> 'charge', 2) as charge,
            artery_tax._decimal(e.value -> 'discount', 2) as discount,
            artery_tax._decimal(e.value -> 'discount_rate', 6) as discount_rate,
            artery_tax._decimal(e.value -> 'rate', 6) as rate,
            artery_tax._decimal(e.value -> 'tax', 2) as tax,
            coalesce(nullif(e.value -> 'tax_included', 'null'), 'false') as tax_included
        from jsonb_array_elements(
            case jsonb_typeof(p_lines) when 'array' then p_lines else '[]' end
        ) with ordinality as e (value, no)
    ),

    counted as (
        select
            l.*,
            l.quantity * l.price + sign(l.quantity) * coalesce(l.charge, 0) as exact,
            coalesce(l.line ->> 'category', case when l.rate > 0 then 'S' else 'Z' end) as category,
            count(*) over (partition by l.line_no) as namesakes
        from line as l
    ),

    listed as (
        select
            c.*,
            coalesce(c.amount, round(c.exact, 2)) as listed
        from counted as c
    ),

    off as (
        select
            l.*,
            sign(l.listed) * coalesce(l.discount, round(abs(l.listed) * l.discount_rate, 2), 0) as off
        from listed as l
    )

    select
        o.line_no,
        o.line,
        o.quantity,
        case
            when coalesce(o.charge, 0) = 0 then o.price
            else trim_scale(round(o.exact / o.quantity, 8))
        end,
        o.tax_included = 'true',
        o.listed,
        o.off,
        o.rate,
        o.category,
        format('Line %s: ', coalesce(o.line_no, o.no)) || nullif(concat_ws(', ',
            case when jsonb_typeof(o.line) <> 'object' then 'is no object' end,
            case when o.line_no is null then 'line_no is no positive integer' end,
            case when o.line_no is not null and o.namesakes > 1 then 'line_no comes twice' end,
            case when o.quantity is null or o.quantity = 0 then 'quantity must be a number other than 0, of 8 decimals at most' end,
            case when o.price is null or o.price < 0 then 'price must be a number from 0 on, of 8 decimals at most' end,
            case when o.rate is null or not o.rate between 0 and 1 then 'rate must be a fraction from 0 to 1 (13 % is 0.13)' end,
            case when jsonb_typeof(o.tax_included) <> 'boolean' then 'tax_included must be true or false' end,
            (
                select string_agg(v.name || ' must be a number from 0 on, of 2 decimals at most', ', ' order by v.name)
                from (values ('charge', o.charge), ('discount', o.discount)) as v (name, value)
                where o.line ->> v.name is not null and (v.value is null or v.value < 0)
            ),
            case
                when o.line ->> 'discount_rate' is not null and (
                    o.discount_rate is null or not o.discount_rate between 0 and 1
                ) then 'discount_rate must be a fraction from 0 to 1'
                when o.line ->> 'discount_rate' is not null and o.line ->> 'discount' is not null
                    then 'has both discount and discount_rate'
            end,
            case
                when o.line ->> 'amount' is not null and o.amount is null then 'amount must be a number of 2 decimals at most'
                when abs(o.amount - o.exact) > 0.02
                    then format('amount %s is not quantity × price ± charges, %s', o.amount, trim_scale(round(o.exact, 4)))
                when abs(o.exact) >= 1e13 then 'quantity × price is out of range'
            end,
            case when abs(o.off) > abs(o.listed) then format('discount %s is more than the amount %s', abs(o.off), o.listed) end,
            case
                when o.category not in ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')
                    then format('category %s is not one of S, Z, E, AE, K, G, O', o.category)
                when (o.category = 'S') <> (o.rate > 0)
                    then format('rate %s does not go with category %s', o.rate, o.category)
            end,
            case
                when o.line ->> 'tax' is null then null
                when o.tax is null then 'tax must be a number of 2 decimals at most'
                when abs(n.net * o.rate - o.tax) > 0.06
                    then format('tax %s is not amount × rate, %s', o.tax, trim_scale(round(n.net * o.rate, 4)))
            end
        ), '') || '.'
    from off as o
    cross join lateral (
        select case
            when o.tax_included = 'true' then (o.listed - o.off) / (1 + o.rate)
            else o.listed - o.off
        end as net
    ) as n;
end
$function$;
comment on function artery_tax._read_lines(jsonb) is
'The lines of artery_tax.invoice_totals as rows, listed = before the discount; problem = all that is wrong with one';
