-- Inlined into its callers: hence no search_path.
create or replace function artery_erp.unit_factor(p_item_code text, p_from text, p_to text)
returns table (numerator numeric, denominator numeric)
language sql
stable
parallel safe
rows 1
as $function$
select
    1::numeric,
    1::numeric
where p_from = p_to
union all
(
    select
        case when c.from_unit = p_from then c.to_quantity else c.from_quantity end,
        case when c.from_unit = p_from then c.from_quantity else c.to_quantity end
    from artery_erp.unit_conversion as c
    where
        p_from <> p_to
        and least(c.from_unit, c.to_unit) = least(p_from collate "C", p_to collate "C")
        and greatest(c.from_unit, c.to_unit) = greatest(p_from collate "C", p_to collate "C")
        and (c.item_code = p_item_code or c.item_code is null)
    order by c.item_code nulls last
    limit 1
)
$function$;

comment on function artery_erp.unit_factor(text, text, text) is
'A quantity in p_from times numerator / denominator is the quantity in p_to: the item''s own conversion '
'before the general one, either direction. No row where there is none, which is never to be read as 1';
grant execute on function artery_erp.unit_factor(text, text, text) to artery_app, artery_reader;
