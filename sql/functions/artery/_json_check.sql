/* Evaluates a schema on a value. p_base: the URI that references are relative to; p_scope: the
   resources that evaluation came through, outermost first, for $dynamicRef. props and items are
   what was evaluated, for unevaluatedProperties and unevaluatedItems. budget bounds the work: a
   schema can ask for exponentially much. */
create or replace function artery._json_check(
    p_index jsonb, p_schema jsonb, p_value jsonb, p_path text, p_base text, p_scope text[],
    p_depth integer, p_budget integer,
    out errors jsonb, out props text[], out items text[], out budget integer
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_type constant text := jsonb_typeof(p_value);
    v_key text;
    v_arg jsonb;
    v_part record;
    v_sub record;
    v_said text;
    v_passed integer;
    v_kept jsonb;
begin
    budget := p_budget - 1;
    errors := '[]';
    if budget < 0 or p_depth > 64 then
        raise exception using
            errcode = 'program_limit_exceeded',
            message = case when budget < 0 then 'takes too many steps to check' else 'is nested too deep, or its schema runs in circles' end,
            detail = format('At %s.', coalesce(nullif(p_path, ''), 'the document')),
            hint = 'Send a smaller document, or simplify the schema.';
    elsif jsonb_typeof(p_schema) <> 'object' then
        if p_schema <> 'true' then
            errors := jsonb_build_array(jsonb_build_array(p_path, 'false', 'is not allowed'));
        end if;
        return;
    end if;
    if jsonb_typeof(p_schema -> '$id') = 'string' then
        p_base := artery._resolve_uri(p_base, split_part(p_schema ->> '$id', '#', 1));
        p_scope := p_scope || p_base;
    end if;

    -- jsonb keeps unevaluatedItems and unevaluatedProperties behind all that they depend on
    for v_key, v_arg in
        select e.key, e.value
        from jsonb_each(p_schema) as e
        where e.key <> all('{$id,$schema,$defs,$anchor,$comment,title,description,then,else,format,default,examples}')
    loop
        if v_key = any('{properties,propertyNames,patternProperties,additionalProperties,prefixItems,items,contains,unevaluatedProperties,unevaluatedItems}') then
            v_passed := 0;
            for v_part in
                select p.*
                from artery._json_parts(p_index, p_base, p_schema, v_key, v_arg, p_value, v_type) as p
                union all
                select v_arg, v.value, v.key
                from jsonb_each(case when v_type = 'object' and v_key = 'unevaluatedProperties' then p_value else '{}' end) as v
                where v.key <> all(coalesce(props, '{}'))
                union all
                select v_arg, v.value, (v.position - 1)::text
                from jsonb_array_elements(case when v_type = 'array' and v_key = 'unevaluatedItems' then p_value else '[]' end)
                    with ordinality as v (value, position)
                where (v.position - 1)::text <> all(coalesce(items, '{}'))
            loop
                v_sub := artery._json_check(
                    p_index, v_part.schema, v_part.value,
                    p_path || '/' || replace(replace(v_part.token, '~', '~0'), '/', '~1'),
                    p_base, p_scope, p_depth + 1, budget
                );
                budget := v_sub.budget;
                if v_key = 'contains' then
                    continue when v_sub.errors <> '[]';
                    v_passed := v_passed + 1;
                elsif v_sub.errors <> '[]' then
                    errors := errors || v_sub.errors;
                    exit when jsonb_array_length(errors) > 1000;
                end if;
                if v_type = 'array' then
                    items := items || v_part.token;
                elsif v_key <> 'propertyNames' then
                    props := props || v_part.token;
                end if;
            end loop;
            if v_key = 'items' and v_type = 'array' and p_index ? '' then
                items := array(select n::text from generate_series(0, jsonb_array_length(p_value) - 1) as n);
            elsif v_key = 'contains' and v_type = 'array' and (
                v_passed < coalesce((p_schema ->> 'minContains')::numeric, 1)
                or v_passed > (p_schema ->> 'maxContains')::numeric
            ) then
                errors := errors || jsonb_build_array(jsonb_build_array(p_path, v_key, format('has %s elements of the kind it needs', v_passed)));
            end if;

        elsif v_key = any('{$ref,$dynamicRef,allOf,anyOf,oneOf,not,if,dependentSchemas}') then
            v_passed := 0;
            v_kept := '[]';
            v_said := null;
            for v_part in
                select a.value as schema, p_base as base
                from jsonb_array_elements(case jsonb_typeof(v_arg) when 'array' then v_arg else '[]' end) as a
                union all
                select v_arg, p_base
                where v_key in ('not', 'if')
                union all
                select d.value, p_base
                from jsonb_each(case when v_key = 'dependentSchemas' and v_type = 'object' then v_arg else '{}' end) as d
                where p_value ? d.key
                union all
                select t.target -> 's', t.target ->> 'b'
                from artery._json_target(p_index, p_base, p_scope, v_arg #>> '{}', v_key = '$dynamicRef') as t (target)
                where v_key like '$%'
            loop
                if v_part.schema is null then
                    errors := errors || jsonb_build_array(jsonb_build_array(p_path, v_key, format('the schema refers to %s, which is not there', v_arg)));
                    continue;
                end if;
                v_sub := artery._json_check(
                    p_index, v_part.schema, p_value, p_path, v_part.base,
                    case when v_part.schema ? '$id' or v_part.base = p_scope[cardinality(p_scope)] then p_scope else p_scope || v_part.base end,
                    p_depth + 1, budget
                );
                budget := v_sub.budget;
                if v_sub.errors = '[]' then
                    v_passed := v_passed + 1;
                    if v_key <> 'not' then
                        props := props || v_sub.props;
                        items := items || v_sub.items;
                    end if;
                else
                    v_said := coalesce(v_said, v_sub.errors #>> '{0,0}' || ' ' || (v_sub.errors #>> '{0,2}'));
                    v_kept := v_kept || v_sub.errors;
                end if;
            end loop;
            if v_key = 'if' then
                v_arg := p_schema -> case v_passed when 1 then 'then' else 'else' end;
                if v_arg is not null then
                    v_sub := artery._json_check(p_index, v_arg, p_value, p_path, p_base, p_scope, p_depth + 1, budget);
                    budget := v_sub.budget;
                    errors := errors || v_sub.errors;
                    props := props || v_sub.props;
                    items := items || v_sub.items;
                end if;
            elsif v_key in ('anyOf', 'oneOf', 'not') then
                v_said := case
                    when v_key = 'not' and v_passed = 1 then 'is of a kind that is not allowed'
                    when v_key <> 'not' and v_passed = 0 then 'fits none of the alternatives; ' || v_said
                    when v_key = 'oneOf' and v_passed > 1 then format('fits %s of the alternatives, not one', v_passed)
                end;
                if v_said is not null then
                    errors := errors || jsonb_build_array(jsonb_build_array(p_path, v_key, v_said));
                end if;
            else
                errors := errors || v_kept;
            end if;

        else
            v_said := artery._json_assert(v_key, v_arg, p_value, v_type);
            if v_said is not null then
                errors := errors || jsonb_build_array(jsonb_build_array(p_path, v_key, v_said));
            end if;
        end if;
    end loop;
    if errors <> '[]' then
        props := null;
        items := null;
    end if;
end
$function$;
comment on function artery._json_check(jsonb, jsonb, jsonb, text, text, text[], integer, integer) is
'Evaluates a JSON Schema on a value: errors [[path, keyword, message]], what was evaluated, the budget left';
