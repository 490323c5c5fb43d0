/* What a request takes back of each line. A part of the quantity takes the same part of the amount
   that is left; the tax follows the issued tax on the amount taken back so far, rounded half up
   on the sum, so that cents do not drift however many parts there are, and the last part takes
   what is left. */
create or replace function artery_tax._red_lines(p_order_no text, p_lines jsonb)
returns table (line_no integer, quantity numeric, amount numeric, tax numeric, problem text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
with asked as (
    select
        e.no,
        case
            when e.value ->> 'line_no' ~ '^[1-9][0-9]{0,8}$' then (e.value ->> 'line_no')::integer
        end as line_no,
        artery_tax._decimal(e.value -> 'quantity', 8) as quantity,
        artery_tax._decimal(e.value -> 'amount', 2) as amount,
        num_nonnulls(e.value ->> 'quantity', e.value ->> 'amount') as measures,
        (
            select string_agg(k.key, ', ')
            from jsonb_object_keys(
                case jsonb_typeof(e.value) when 'object' then e.value else '{}' end
            ) as k (key)
            where k.key not in ('line_no', 'quantity', 'amount')
        ) as unknown
    from jsonb_array_elements(
        case jsonb_typeof(p_lines) when 'array' then p_lines else '[]' end
    ) with ordinality as e (value, no)
    union all
    select
        l.line_no,
        l.line_no,
        nullif(l.quantity, 0),
        case l.quantity when 0 then l.amount end,
        1,
        null
    from artery_tax.red_left(p_order_no) as l
    where p_lines is null and l.amount > 0
),

taken as (
    select
        a.*,
        l.issued_amount,
        l.issued_tax,
        l.amount as left_amount,
        l.tax as left_tax,
        l.quantity as left_quantity,
        case
            when a.quantity is null then a.amount
            when a.quantity = l.quantity then l.amount
            else round(l.amount * a.quantity / nullif(l.quantity, 0), 2)
        end as take,
        case
            when a.line_no is null then format('Line number %s: it is none.', a.no)
            when l.line_no is null then format('Line %s: the invoice has none of that number.', a.line_no)
            when count(*) over (partition by a.line_no) > 1 then format('Line %s: named twice.', a.line_no)
            when a.unknown is not null then format('Line %s: unknown: %s.', a.line_no, a.unknown)
            when a.measures <> 1 or a.quantity is null and a.amount is null then format(
                'Line %s: give a quantity (8 decimals at most) or an amount (2), and not both.', a.line_no
            )
            when coalesce(a.quantity, a.amount) <= 0 then format('Line %s: it must be more than 0.', a.line_no)
            when a.quantity > l.quantity or l.amount <= 0 or a.amount > l.amount then format(
                'Line %s: only %s and %s (without tax) of it are left.',
                a.line_no, concat_ws(' ', trim_scale(l.quantity), l.unit), l.amount
            )
        end as problem
    from asked as a
    left join artery_tax.red_left(p_order_no) as l on l.line_no = a.line_no
)

select
    t.line_no,
    t.quantity,
    t.take,
    case
        when t.take = t.left_amount then t.left_tax
        else round(t.issued_tax * (t.issued_amount - t.left_amount + t.take) / t.issued_amount, 2)
            - (t.issued_tax - t.left_tax)
    end,
    coalesce(t.problem, case
        when t.take = 0 then format('Line %s: %s of it come to nothing.', t.line_no, t.quantity)
    end)
from taken as t
order by t.no
$function$;
comment on function artery_tax._red_lines(text, jsonb) is
'What a red letter takes of each line (positive), or why not; p_lines null = all that is left. The blue invoice is locked';
