/* Parts are filled in the order of the lines; a discount row is never parted from its line. A line
   that alone comes to more than the limit is cut by quantity, whole where that is whole. Its
   amount and its discount are cut where the running quantity cuts them, rounded there, so that
   the pieces add up to the line to the cent. */
create or replace function artery_tax._split_lines(
    p_lines jsonb, p_max_lines integer, p_max_amount numeric
)
returns table (part integer, lines jsonb)
language plpgsql
immutable
rows 1
set search_path = pg_catalog, pg_temp
set jit = off
as $function$
declare
    v_piece record;
    v_rows integer := 0;
    v_amount numeric := 0.0;
begin
    part := 1;
    lines := '[]';
    for v_piece in
        with line as (
            select
                l.*,
                l.listed - l.discount as net,
                case
                    when (l.listed - l.discount) <= p_max_amount * v.basis then l.quantity
                    when l.quantity = trunc(l.quantity) then trunc(v.fits)
                    else trunc(v.fits, 8)
                end as step
            from artery_tax._read_lines(p_lines) as l
            cross join lateral (
                select case when l.tax_included then 1 + l.rate else 1 end as basis
            ) as b
            cross join lateral (
                -- two cents below it, for what is rounded
                select b.basis, l.quantity * (p_max_amount - 0.02) * b.basis / nullif(l.listed - l.discount, 0) as fits
            ) as v
        ),

        piece as (
            select
                l.*,
                n.no,
                least(n.no * l.step, l.quantity) as upto,
                (n.no - 1) * l.step as from_quantity
            from line as l
            cross join lateral generate_series(1, ceil(l.quantity / coalesce(l.step, l.quantity))::integer) as n (no)
        )

        select
            case
                when p.step is null or p.step = p.quantity then p.line
                else (p.line - array['charge', 'discount_rate']) || jsonb_build_object(
                    'quantity', trim_scale(p.upto - p.from_quantity)::text,
                    'price', case
                        when p.listed = round(p.quantity * p.price, 2) then p.price
                        else trim_scale(round(p.listed / p.quantity, 8))
                    end::text,
                    'amount', (c.net + c.off)::text,
                    'discount', c.off::text
                )
            end as line,
            case when p.discount = 0 then 1 else 2 end as rows,
            case when p.tax_included then round(c.net / (1 + p.rate), 2) + 0.01 else c.net end as amount
        from piece as p
        cross join lateral (
            select
                round(p.net * p.upto / p.quantity, 2) - round(p.net * p.from_quantity / p.quantity, 2) as net,
                round(p.discount * p.upto / p.quantity, 2)
                - round(p.discount * p.from_quantity / p.quantity, 2) as off
        ) as c
        order by p.line_no, p.no
    -- where a part ends depends on where the one before it ended
    loop
        if lines <> '[]' and (
            v_rows + v_piece.rows > p_max_lines or v_amount + v_piece.amount > p_max_amount
        ) then
            return next;
            part := part + 1;
            lines := '[]';
            v_rows := 0;
            v_amount := 0.0;
        end if;
        lines := lines || jsonb_build_array(v_piece.line);
        v_rows := v_rows + v_piece.rows;
        v_amount := v_amount + v_piece.amount;
    end loop;
    return next;
end
$function$;
comment on function artery_tax._split_lines(jsonb, integer, numeric) is
'Lines of artery_tax.invoice_totals, shared out to invoices of at most p_max_lines rows and p_max_amount without tax '
'(null = any); one unit of each must fit';
