create or replace function artery_monitor._condition(
    p_function text, p_conditions jsonb, p_filter jsonb, p_limit integer
)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_condition text;
    v_unknown text;
begin
    select
        string_agg(p_conditions ->> k.name, ' and ' order by k.name),
        string_agg(k.name, ', ' order by k.name) filter (where not p_conditions ? k.name)
    into v_condition, v_unknown
    from jsonb_object_keys(coalesce(p_filter, '{}')) as k (name);
    if v_unknown is not null or p_limit is null or p_limit < 1 then
        raise exception using
            errcode = 'IN014',
            message = format('bad filter for %s', p_function),
            detail = format('Unknown keys: %s; limit %s.', coalesce(v_unknown, 'none'), coalesce(p_limit::text, 'null')),
            hint = format(
                'Keys: %s. The limit is 1 or more.',
                (select string_agg(k.name, ', ' order by k.name) from jsonb_object_keys(p_conditions) as k (name))
            );
    end if;
    return coalesce(v_condition, 'true');
end
$function$;

comment on function artery_monitor._condition(text, jsonb, jsonb, integer) is
'Puts the SQL conditions (key -> condition on $1, the filter) together that a filter asks for; never any of the filter''s own text. '
'Errors: IN014 unknown keys, or a limit below 1';
grant execute on function artery_monitor._condition(text, jsonb, jsonb, integer) to artery_reader;
