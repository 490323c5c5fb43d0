create or replace function artery._pattern_matches(p_text text, p_pattern text)
returns boolean
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- the group keeps PostgreSQL's own directives (***, (?i)) from having a meaning
    return p_text ~ ('(?:' || p_pattern || ')');
exception when invalid_regular_expression then
    return null;
end
$function$;
comment on function artery._pattern_matches(text, text) is
'Whether a regular expression of JSON Schema is found in a text; null if it is none that PostgreSQL knows';

-- The keywords that look at the value alone: what is wrong, or null
create or replace function artery._json_assert(p_key text, p_arg jsonb, p_value jsonb, p_type text)
returns text
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_number constant text[] := '{multipleOf,maximum,exclusiveMaximum,minimum,exclusiveMinimum,maxLength,minLength,maxItems,minItems,maxProperties,minProperties}'::text[];
    v_limit numeric;
    v_actual numeric;
begin
    if p_key = any(c_number) then
        v_actual := case
            when p_type = 'number' and p_key !~ '(Length|Items|Properties)$' then p_value::numeric
            when p_type = 'string' and p_key like '%Length' then length(p_value #>> '{}')
            when p_type = 'array' and p_key like '%Items' then jsonb_array_length(p_value)
            when p_type = 'object' and p_key like '%Properties' then (select count(*) from jsonb_object_keys(p_value))
        end;
        if v_actual is null or jsonb_typeof(p_arg) <> 'number' then
            return null;
        end if;
        v_limit := p_arg::numeric;
        return case
            when p_key = 'multipleOf' then
                case when v_limit > 0 and mod(v_actual, v_limit) <> 0 then 'is not a multiple of' end
            when p_key = 'exclusiveMaximum' then case when v_actual >= v_limit then 'must be less than' end
            when p_key = 'exclusiveMinimum' then case when v_actual <= v_limit then 'must be more than' end
            when p_key = 'maximum' then case when v_actual > v_limit then 'must be at most' end
            when p_key = 'minimum' then case when v_actual < v_limit then 'must be at least' end
            when p_key like 'max%' then case when v_actual > v_limit then 'is larger or longer than' end
            when v_actual < v_limit then 'is smaller or shorter than'
        end || ' ' || left(p_arg::text, 100);
    end if;

    return case p_key
        when 'type' then case
            when not (case jsonb_typeof(p_arg) when 'array' then p_arg else jsonb_build_array(p_arg) end) ?| array[
                p_type,
                case when p_type = 'number' then case when trunc(p_value::numeric) = p_value::numeric then 'integer' end end
            ] then format('is of type %s, not %s', p_type, replace(btrim(p_arg::text, '[]"'), '", "', ' or '))
        end
        when 'const' then case when p_value <> p_arg then 'must be ' || left(p_arg::text, 200) end
        when 'enum' then case
            when not exists (select from jsonb_array_elements(p_arg) as e where e.value = p_value)
                then 'must be one of ' || left(p_arg::text, 500)
        end
        when 'pattern' then case
            when p_type = 'string' and artery._pattern_matches(p_value #>> '{}', p_arg #>> '{}') is not true
                then 'does not match ' || left(p_arg #>> '{}', 200)
        end
        when 'uniqueItems' then case
            when
                p_type = 'array' and p_arg = 'true'
                and (select count(*) <> count(distinct e.value) from jsonb_array_elements(p_value) as e)
                then 'has the same element more than once'
        end
        when 'required' then case
            when p_type = 'object' then (
                select 'lacks ' || string_agg(r.name, ', ')
                from jsonb_array_elements_text(p_arg) as r (name)
                where not p_value ? r.name
            )
        end
        when 'dependentRequired' then case
            when p_type = 'object' then (
                select 'lacks ' || string_agg(r.name || ', which ' || d.key || ' needs', '; ')
                from jsonb_each(p_arg) as d
                cross join lateral jsonb_array_elements_text(d.value) as r (name)
                where p_value ? d.key and not p_value ? r.name
            )
        end
    end;
end
$function$;
comment on function artery._json_assert(text, jsonb, jsonb, text) is
'What is wrong with a value by one keyword of JSON Schema, or null';
