/* Most arrays of thousands are all well: one condition in SQL, made of the schema, tells so at the
   speed of a query; what it does not let pass the interpreter looks at. Null where a keyword is not
   covered: true may only be said of what is valid. */
create or replace function artery._json_condition(
    p_index jsonb, p_base text, p_schema jsonb, p_value text, p_depth integer default 0
)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_all text[] := '{true}'::text[];
    v_key text;
    v_arg jsonb;
    v_one text;
    v_is text := format('jsonb_typeof(%s) = ', p_value);
begin
    if p_depth > 12 or p_schema ? '$id' then
        return null;
    elsif jsonb_typeof(p_schema) = 'boolean' then
        return p_schema::text;
    end if;
    for v_key, v_arg in
        select e.key, e.value
        from jsonb_each(p_schema) as e
        where e.key <> all('{$defs,$schema,$anchor,$dynamicAnchor,$comment,title,description,format,default,examples,deprecated}')
    loop
        v_one := case v_key
            when 'type' then (
                select string_agg(case t.name
                    when 'integer' then format(
                        'case when %1$s%2$L then trunc((%3$s)::numeric) = (%3$s)::numeric end', v_is, 'number', p_value
                    )
                    else format('%s%L', v_is, t.name)
                end, ' or ')
                from jsonb_array_elements_text(
                    case jsonb_typeof(v_arg) when 'array' then v_arg else jsonb_build_array(v_arg) end
                ) as t (name)
            )
            when 'required' then format('case when %s%L then %s ?& %L else true end', v_is, 'object', p_value, array(
                select n.name from jsonb_array_elements_text(v_arg) as n (name)
            ))
            when 'properties' then (
                select format('case when %s%L then %s else true end', v_is, 'object', case
                    when count(*) = count(x.condition) then coalesce(string_agg(
                        case x.condition
                            when 'true' then 'true'
                            else format('case when %s ? %L then %s else true end', p_value, m.key, x.condition)
                        end, ' and '
                    ), 'true')
                end)
                from jsonb_each(v_arg) as m
                cross join lateral artery._json_condition(
                    p_index, p_base, m.value, format('(%s -> %L)', p_value, m.key), p_depth + 1
                ) as x (condition)
                having count(*) = count(x.condition)
            )
            when 'additionalProperties' then case
                when v_arg = 'true' then 'true'
                when v_arg = 'false' and not p_schema ? 'patternProperties' then format(
                    'case when %s%L then %s - %L::text[] = ''{}'' else true end', v_is, 'object', p_value,
                    array(select n.name from jsonb_object_keys(coalesce(p_schema -> 'properties', '{}')) as n (name))
                )
            end
            when 'enum' then format('%s = any(%L::jsonb[])', p_value, array(select e.value from jsonb_array_elements(v_arg) as e))
            when 'const' then format('%s = %L', p_value, v_arg)
            when 'pattern' then format('case when %s%L then (%s #>> ''{}'') ~ %L else true end', v_is, 'string', p_value, '(?:' || (v_arg #>> '{}') || ')')
            when 'items' then case
                when not p_schema ? 'prefixItems' then (
                    select format(
                        'case when %1$s%2$L then not exists (select from jsonb_array_elements(%3$s) as e%4$s where (%5$s) is not true) else true end',
                        v_is, 'array', p_value, p_depth, x.condition
                    )
                    from artery._json_condition(p_index, p_base, v_arg, format('e%s.value', p_depth), p_depth + 1) as x (condition)
                    where x.condition is not null
                )
            end
            when '$ref' then (
                select x.condition
                from artery._json_target(p_index, p_base, array[p_base], v_arg #>> '{}', false) as t (target)
                cross join lateral artery._json_condition(p_index, p_base, t.target -> 's', p_value, p_depth + 1) as x (condition)
                where t.target ->> 'b' = p_base
            )
            when 'anyOf' then (
                select string_agg(format('(%s) is true', x.condition), ' or ')
                from jsonb_array_elements(v_arg) as a
                cross join lateral artery._json_condition(p_index, p_base, a.value, p_value, p_depth + 1) as x (condition)
                where x.condition is not null
            )
            else case
                -- unquoted below
                when jsonb_typeof(v_arg) <> 'number' then null
                when v_key = any('{maximum,minimum,exclusiveMaximum,exclusiveMinimum}') then format(
                    'case when %s%L then (%s)::numeric %s%s %s else true end', v_is, 'number', p_value,
                    case when v_key ~* 'max' then '<' else '>' end, case when v_key like 'm%' then '=' else '' end, v_arg::text
                )
                when v_key ~ '^(min|max)(Length|Items)$' then format(
                    'case when %s%L then %s %s %s else true end', v_is,
                    case when v_key like '%Length' then 'string' else 'array' end,
                    format(case when v_key like '%Length' then 'length(%s #>> ''{}'')' else 'jsonb_array_length(%s)' end, p_value),
                    case when v_key like 'max%' then '<=' else '>=' end, v_arg::text
                )
            end
        end;
        if v_one is null then
            return null;
        end if;
        v_all := v_all || ('(' || v_one || ')');
    end loop;
    return case when cardinality(v_all) = 1 then 'true' else array_to_string(v_all[2:], ' and ') end;
end
$function$;
comment on function artery._json_condition(jsonb, text, jsonb, text, integer) is
'A schema as a condition in SQL on the expression p_value, true only of what is valid; null = it cannot be said so';
