create or replace function artery_erp._check_moves(p_moves jsonb)
returns artery_erp.stock_move[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_moves artery_erp.stock_move[];
    v_problems text;
begin
    if jsonb_typeof(p_moves) is distinct from 'array' or p_moves = '[]' then
        v_problems := 'The moves are no array, or an empty one.';
    else
        with move as (
            select
                e.no::integer as no,
                e.value ->> 'item' as item_code,
                e.value ->> 'warehouse' as warehouse_code,
                coalesce(e.value ->> 'lot', '') as lot_no,
                -- as text first: numeric takes NaN, and 1e131071 is a number of 131,072 digits
                case when e.value ->> 'quantity' ~ '^-?[0-9]{1,15}(\.[0-9]{1,8})?$' then
                    (e.value ->> 'quantity')::numeric
                end as quantity,
                case when e.value ->> 'document_line' ~ '^[0-9]{1,9}$' then
                    (e.value ->> 'document_line')::integer
                end as document_line
            from jsonb_array_elements(p_moves) with ordinality as e (value, no)
        )

        select
            string_agg(p.problem, ' ' order by m.no),
            array_agg((
                null, m.no, m.item_code, m.warehouse_code, m.lot_no, m.quantity, m.document_line,
                null, null
            )::artery_erp.stock_move order by m.no)
        into v_problems, v_moves
        from move as m
        left join artery_erp.item as i on i.code = m.item_code
        left join artery_erp.unit as u on u.code = i.stock_unit
        left join artery_erp.warehouse as w on w.code = m.warehouse_code
        left join artery_erp.lot as l on l.item_code = m.item_code and l.lot_no = m.lot_no
        cross join lateral (
            select format('Move %s: ', m.no) || nullif(concat_ws(', ',
                case when i.code is null then format('no item %s', m.item_code) end,
                case when i.status = 'draft' then format('item %s is a draft', i.code) end,
                case when w.code is null then format('no warehouse %s', m.warehouse_code) end,
                case
                    when m.quantity is null or m.quantity = 0 then
                        'quantity must be a number other than 0, of 15 digits and 8 decimals at most'
                    when u.whole_number and m.quantity <> trunc(m.quantity) then
                        format('%s comes in whole numbers', u.code)
                end,
                case
                    when m.lot_no <> '' and not i.lot_tracked then
                        format('item %s has no lots', i.code)
                    when m.lot_no = '' and i.lot_tracked and m.quantity > 0 then
                        format('item %s comes in lots: name one', i.code)
                    when m.lot_no <> '' and l.lot_no is null and m.quantity < 0 then
                        format('no lot %s of item %s', m.lot_no, i.code)
                end
            ), '') || '.' as problem
        ) as p;
    end if;

    if v_problems is not null then
        raise exception using
            errcode = 'IN110',
            message = 'moves of stock that cannot be posted',
            detail = v_problems,
            hint = 'Nothing was posted: correct all of them and post again.';
    end if;
    return v_moves;
end
$function$;

comment on function artery_erp._check_moves(jsonb) is
'The moves of artery_erp.post_stock as rows. Errors: IN110, all that is wrong with any of them in the detail';
revoke execute on function artery_erp._check_moves(jsonb) from public;
