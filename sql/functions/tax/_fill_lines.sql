-- What a line says itself goes before what its item's profile says
create or replace function artery_tax._fill_lines(
    p_lines jsonb, p_tax_included boolean, p_profile text
)
returns table (line_no integer, line jsonb, problem text)
language plpgsql
stable
rows 10
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    with given as (
        select
            e.no::integer as no,
            e.value as line,
            i.name as item_name,
            p as profile,
            artery_tax._decimal(e.value -> 'rate', 6) as own_rate
        from jsonb_array_elements(
            case jsonb_typeof(p_lines) when 'array' then p_lines else '[]' end
        ) with ordinality as e (value, no)
        left join artery_erp.item as i on i.code = e.value ->> 'item'
        left join artery_tax.item_profile as p on p.item_code = i.code
    ),

    filled as (
        select
            g.no,
            g.line,
            g.line || jsonb_build_object(
                'source_line_no', coalesce(g.line -> 'line_no', to_jsonb(g.no)),
                'name', coalesce(g.line ->> 'name', (g.profile).name, g.item_name),
                'tax_class_code', coalesce(g.line ->> 'tax_class_code', (g.profile).tax_class_code),
                'spec', coalesce(g.line ->> 'spec', (g.profile).spec),
                'tax_included', coalesce(nullif(g.line -> 'tax_included', 'null'), to_jsonb(p_tax_included)),
                'rate', coalesce(nullif(g.line -> 'rate', 'null'), to_jsonb((g.profile).rate::text)),
                'category', coalesce(
                    g.line ->> 'category',
                    case when coalesce(g.own_rate = (g.profile).rate, true) then (g.profile).category end,
                    case when g.own_rate > 0 then 'S' else 'Z' end
                ),
                'policy', coalesce(
                    g.line ->> 'policy',
                    case when coalesce(g.own_rate = (g.profile).rate, true) then (g.profile).policy end
                )
            ) as whole
        from given as g
        where jsonb_typeof(g.line) = 'object'
    )

    select
        f.no,
        f.whole,
        format('Line %s: ', coalesce(f.line ->> 'line_no', f.no::text)) || nullif(concat_ws(', ',
            case when coalesce(f.whole ->> 'name', '') !~ '[^[:space:]]' then 'has no name' end,
            case
                when f.whole ->> 'rate' is null then format(
                    'has no rate, and item %s no row in artery_tax.item_profile', coalesce(f.line ->> 'item', '(none)')
                )
            end,
            case
                when coalesce(f.whole ->> 'tax_class_code', case when g.needs_tax_class then '' end) !~ '^[0-9]{19}$'
                    then format('tax_class_code %s is not 19 digits', coalesce(f.whole ->> 'tax_class_code', '(none)'))
            end,
            case when f.whole ->> 'quantity' ~ '^-' then 'quantity is negative: what is taken back is a red invoice' end,
            case
                when f.whole ->> 'policy' is null then null
                when p.code is null then format('there is no policy %s', f.whole ->> 'policy')
                when p.category <> f.whole ->> 'category' then format('policy %s (%s) goes with category %s', p.code, p.name, p.category)
                when artery_tax._decimal(f.whole -> 'rate', 6) <> all(p.rates)
                    then format('policy %s (%s) goes with a rate of %s', p.code, p.name, array_to_string(p.rates, ' or '))
                when not p.tax_included and f.whole ->> 'tax_included' = 'true'
                    then format('policy %s (%s) needs prices without tax', p.code, p.name)
            end
        ), '') || '.'
    from filled as f
    inner join artery_tax.gateway_profile as g on g.name = p_profile
    left join artery_tax.preferential_policy as p on p.code = f.whole ->> 'policy';
end
$function$;
comment on function artery_tax._fill_lines(jsonb, boolean, text) is
'Lines of a document with what their items'' tax profiles add; problem = why one cannot be on an invoice by that gateway profile';
