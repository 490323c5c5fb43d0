-- The parts of a value that one keyword has a schema for, with their place in it
create or replace function artery._json_parts(
    p_index jsonb, p_base text, p_schema jsonb, p_key text, p_arg jsonb, p_value jsonb, p_type text
)
returns table (schema jsonb, value jsonb, token text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_skip integer;
    v_filter text;
begin
    -- @plpgsql_check_options: security_warnings = off, extra_warnings = off
    -- the filter is made of quoted literals
    if p_type = 'object' then
        if p_key = 'properties' then
            return query
            select p.value, p_value -> p.key, p.key
            from jsonb_each(p_arg) as p
            where p_value ? p.key;
        elsif p_key = 'propertyNames' then
            return query
            select p_arg, to_jsonb(n.name), n.name
            from jsonb_object_keys(p_value) as n (name);
        elsif p_key = 'patternProperties' then
            return query
            select p.value, v.value, v.key
            from jsonb_each(p_arg) as p
            cross join jsonb_each(p_value) as v
            where artery._pattern_matches(v.key, p.key);
        elsif p_key = 'additionalProperties' then
            return query
            select p_arg, v.value, v.key
            from jsonb_each(p_value) as v
            where
                not coalesce(p_schema -> 'properties' ? v.key, false)
                and not exists (
                    select from jsonb_object_keys(coalesce(p_schema -> 'patternProperties', '{}')) as p (pattern)
                    where artery._pattern_matches(v.key, p.pattern)
                );
        end if;
    elsif p_type = 'array' then
        if p_key = 'prefixItems' then
            return query
            select p.value, p_value -> (p.position - 1)::integer, (p.position - 1)::text
            from jsonb_array_elements(p_arg) with ordinality as p (value, position)
            where p.position <= jsonb_array_length(p_value);
        elsif p_key in ('items', 'contains') then
            v_skip := case when p_key = 'items' then jsonb_array_length(coalesce(p_schema -> 'prefixItems', '[]')) else 0 end;
            -- of many elements only those that the same schema as a condition does not let pass
            if p_key = 'items' and jsonb_array_length(p_value) > 32 then
                v_filter := artery._json_condition(p_index, p_base, p_arg, 'e.value');
            end if;
            return query execute format(
                'select $1, e.value, (e.position - 1)::text
                from jsonb_array_elements($2) with ordinality as e (value, position)
                where e.position > $3 and (%s) is not true', coalesce(v_filter, 'false')
            ) using p_arg, p_value, v_skip;
        end if;
    end if;
end
$function$;
comment on function artery._json_parts(jsonb, text, jsonb, text, jsonb, jsonb, text) is
'Members or elements of a value that a keyword applies a schema to';
