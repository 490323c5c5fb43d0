create or replace function artery_plm._is_number(p_value jsonb, p_positive boolean)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
-- a regular expression first: the cast of 1e131071 would cost 131,072 digits
select coalesce(
    jsonb_typeof(p_value) in ('number', 'string')
    and p_value #>> '{}' ~ '^[0-9]{1,15}(\.[0-9]{1,12})?$'
    and (not p_positive or p_value #>> '{}' ~ '[1-9]'),
    false
)
$function$;
comment on function artery_plm._is_number(jsonb, boolean) is
'Whether a value is a decimal number, or the text of one: not negative, at most 15 digits before the point';
revoke execute on function artery_plm._is_number(jsonb, boolean) from public;

/* The lines of an ECN, one row each, with what is wrong in the form of each of their properties.
   change = the properties under the names of artery_erp.bom_line's columns. */
create or replace function artery_plm._ecn_lines(p_boms jsonb)
returns table (
    bom_no integer,
    line_position integer,
    path text,
    item_code text,
    action text,
    line_no integer,
    component_code text,
    component_name text,
    unit text,
    change jsonb,
    faults jsonb
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select
        b.no::integer - 1,
        (row_number() over (order by b.no, l.no))::integer,
        format('/boms/%s/lines/%s', b.no - 1, l.no - 1),
        artery_erp.clean_code(b.body ->> 'item'),
        l.body ->> 'action',
        case when l.body ->> 'line_no' ~ '^[1-9][0-9]{0,8}$' then (l.body ->> 'line_no')::integer end,
        artery_erp.clean_code(l.body ->> 'component'),
        l.body ->> 'component_name',
        artery_erp.clean_code(l.body ->> 'unit'),
        coalesce((
            select jsonb_object_agg(
                k.column_name,
                case k.kind
                    when 'code' then to_jsonb(artery_erp.clean_code(p.value #>> '{}'))
                    else p.value
                end
            )
            from jsonb_each(l.body) as p
            inner join artery_plm.ecn_property as k on k.property = p.key
            where l.body ->> 'action' <> 'remove' and k.column_name is not null
        ), '{}'),
        (
            select jsonb_agg(f.message)
            from (
                select format('%s is no property of a line', p.key) as message
                from jsonb_object_keys(l.body) as p (key)
                where not exists (select from artery_plm.ecn_property as k where k.property = p.key)
                union all
                select format('%s is missing', k.property)
                from artery_plm.ecn_property as k
                where
                    (k.required = 'always' or k.required = 'add' and l.body ->> 'action' = 'add')
                    and jsonb_typeof(coalesce(l.body -> k.property, 'null')) = 'null'
                union all
                select 'designators are not texts, each once'
                where (
                    select count(distinct d.value) <> count(*) or bool_or(jsonb_typeof(d.value) <> 'string' or d.value = '""')
                    from jsonb_array_elements(
                        case jsonb_typeof(l.body -> 'designators') when 'array' then l.body -> 'designators' else '[]' end
                    ) as d
                )
                union all
                select 'substitutes are not each {"component": a known item, "priority", "ratio"}, each once'
                where (
                    select
                        count(distinct d.value ->> 'component') <> count(*)
                        or count(distinct coalesce(d.value ->> 'priority', d.no::text)) <> count(*)
                        or bool_or(
                            not exists (select from artery_erp.item as i where i.code = d.value ->> 'component')
                            or not artery_plm._is_number(coalesce(d.value -> 'ratio', '1'), true)
                            or coalesce(d.value ->> 'priority', '1') !~ '^[1-9][0-9]{0,8}$'
                        )
                    from jsonb_array_elements(
                        case jsonb_typeof(l.body -> 'substitutes') when 'array' then l.body -> 'substitutes' else '[]' end
                    ) with ordinality as d (value, no)
                )
                union all
                select format('%s may not be null', p.key)
                from jsonb_each(l.body) as p
                inner join artery_plm.ecn_property as k on k.property = p.key
                where p.value = 'null' and l.body ->> 'action' = 'change' and not k.nullable
                union all
                select format('%s is not %s: %s', k.property, k.wanted, left(p.value::text, 60))
                from jsonb_each(l.body) as p
                inner join artery_plm.ecn_property as k on k.property = p.key
                where p.value <> 'null' and not case k.kind
                    when 'positive' then artery_plm._is_number(p.value, true)
                    when 'number' then artery_plm._is_number(p.value, false) and (p.value #>> '{}')::numeric < 100
                    when 'integer' then p.value #>> '{}' ~ '^[1-9][0-9]{0,8}$'
                    when 'boolean' then jsonb_typeof(p.value) = 'boolean'
                    when 'list' then jsonb_typeof(p.value) = 'array'
                    when 'code' then
                        jsonb_typeof(p.value) = 'string' and artery_erp.clean_code(p.value #>> '{}') ~ k.pattern
                    else jsonb_typeof(p.value) = 'string' and p.value #>> '{}' ~ k.pattern
                end
            ) as f
        )
    from jsonb_array_elements(p_boms) with ordinality as b (body, no)
    cross join lateral jsonb_array_elements(
        case jsonb_typeof(b.body -> 'lines') when 'array' then b.body -> 'lines' else '[]' end
    ) with ordinality as l (body, no)
    where jsonb_typeof(l.body) = 'object';
end
$function$;
comment on function artery_plm._ecn_lines(jsonb) is
'The lines in the "boms" of an ECN, with what is wrong in their form';
revoke execute on function artery_plm._ecn_lines(jsonb) from public;
