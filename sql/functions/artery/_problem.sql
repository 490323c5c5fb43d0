-- RFC 9457: members of another type than the standard's are ignored, a missing type is about:blank
create or replace function artery._problem(p_body text)
returns jsonb
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_body jsonb := artery._json_or_text(p_body);
begin
    if jsonb_typeof(v_body) is distinct from 'object' then
        return null;
    end if;
    return (
        select jsonb_object_agg(m.key, case
            when m.key = 'status' then m.value
            else to_jsonb(left(artery._redacted(m.value #>> '{}'), 1000))
        end)
        from jsonb_each('{"type": "about:blank"}' || v_body) as m (key, value)
        where
            m.key in ('type', 'title', 'detail', 'instance') and jsonb_typeof(m.value) = 'string'
            or m.key = 'status' and jsonb_typeof(m.value) = 'number'
    );
end
$function$;
comment on function artery._problem(text) is
'The standard members of an application/problem+json body; null if it is none';
