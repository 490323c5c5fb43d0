create or replace function artery._json_target(
    p_index jsonb, p_base text, p_scope text[], p_reference text, p_dynamic boolean
)
returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_uri text := artery._resolve_uri(p_base, split_part(p_reference, '#', 1));
    v_fragment text := substring(p_reference from '#(.*)$');
    v_schema jsonb;
    v_base text;
    v_token text;
    v_scope text;
begin
    if v_fragment is null or v_fragment = '' then
        return p_index -> v_uri;
    elsif v_fragment like '%\%%' then
        v_fragment := artery._percent_decode(v_fragment);
    end if;
    if v_fragment not like '/%' then
        if p_dynamic and (p_index #> array[v_uri || '#' || v_fragment, 'd'])::boolean then
            -- the outermost resource that evaluation came through and that has the anchor
            foreach v_scope in array p_scope loop
                if (p_index #> array[v_scope || '#' || v_fragment, 'd'])::boolean then
                    return p_index -> (v_scope || '#' || v_fragment);
                end if;
            end loop;
        end if;
        return p_index -> (v_uri || '#' || v_fragment);
    end if;

    v_schema := p_index #> array[v_uri, 's'];
    v_base := p_index #>> array[v_uri, 'b'];
    foreach v_token in array (string_to_array(v_fragment, '/'))[2:] loop
        if jsonb_typeof(v_schema -> '$id') = 'string' then
            v_base := artery._resolve_uri(v_base, split_part(v_schema ->> '$id', '#', 1));
        end if;
        v_schema := v_schema #> array[replace(replace(v_token, '~1', '/'), '~0', '~')];
    end loop;
    return case when v_schema is not null then jsonb_build_object('s', v_schema, 'b', v_base) end;
exception when data_exception then
    return null;
end
$function$;
comment on function artery._json_target(jsonb, text, text[], text, boolean) is
'What $ref (or $dynamicRef) leads to from p_base: {"s": schema, "b": base URI around it}; null = nowhere';
