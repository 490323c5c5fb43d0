create or replace function artery._resolve_uri(p_base text, p_reference text)
returns text
language plpgsql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_parts constant text := '^(?:([^:/?#]+):)?(//[^/?#]*)?([^?#]*)(\?[^#]*)?';
    v_base text[] := regexp_match(p_base, c_parts);
    v_ref text[] := regexp_match(p_reference, c_parts);
    v_path text := v_ref[3];
    v_before text;
begin
    if v_ref[1] is not null then
        return p_reference;
    elsif v_ref[2] is not null then
        return concat(v_base[1] || ':', p_reference);
    elsif v_path = '' then
        return concat(v_base[1] || ':', v_base[2], v_base[3], coalesce(v_ref[4], v_base[4]));
    elsif v_path not like '/%' then
        v_path := case when v_base[2] is not null and v_base[3] = '' then '/' else '' end
            || substring(v_base[3] from '^.*/') || v_path;
        v_path := coalesce(v_path, v_ref[3]);
    end if;
    while v_path is distinct from v_before loop
        v_before := v_path;
        v_path := regexp_replace(v_path, '/\.(?=/|$)/?', '/');
        v_path := regexp_replace(v_path, '(^|/)(?!\.\.?/)[^/]+/\.\.(/|$)', '\1');
    end loop;
    return concat(v_base[1] || ':', v_base[2], v_path, v_ref[4]);
end
$function$;
comment on function artery._resolve_uri(text, text) is 'A reference without fragment, made absolute (RFC 3986, 5.2)';

create or replace function artery._percent_decode(p_text text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select convert_from(string_agg(
    case when m.part[1] ~ '^%..$' then decode(substr(m.part[1], 2), 'hex') else convert_to(m.part[1], 'UTF8') end,
    '' order by m.position
), 'UTF8')
from regexp_matches(p_text, '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') with ordinality as m (part, position)
$function$;
comment on function artery._percent_decode(text) is 'Text of a URI''s part. Errors: 22021 if it is no UTF-8';

/* Maps each resource ($id) and anchor of a schema to {"s": its schema, "b": the base URI around it,
   "d": true for $dynamicAnchor}. Looks where schemas stand and nowhere else: an $id in an enum is
   none. */
create or replace function artery._json_schema_index(p_schema jsonb)
returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
with recursive walk as (
    select
        p_schema as schema,
        'artery:/'::text as outer_base,
        case jsonb_typeof(p_schema -> '$id')
            when 'string' then artery._resolve_uri('artery:/', split_part(p_schema ->> '$id', '#', 1))
            else 'artery:/'
        end as base,
        0 as depth

    union all

    select
        c.schema,
        w.base,
        case jsonb_typeof(c.schema -> '$id')
            when 'string' then artery._resolve_uri(w.base, split_part(c.schema ->> '$id', '#', 1))
            else w.base
        end,
        w.depth + 1
    from walk as w
    cross join lateral jsonb_each(case jsonb_typeof(w.schema) when 'object' then w.schema else '{}' end) as e
    cross join lateral (
        select e.value as schema
        where e.key = any('{additionalProperties,contains,contentSchema,else,if,items,not,propertyNames,then,unevaluatedItems,unevaluatedProperties}')
        union all
        select a.value
        from jsonb_array_elements(case jsonb_typeof(e.value) when 'array' then e.value else '[]' end) as a
        where e.key = any('{allOf,anyOf,oneOf,prefixItems}')
        union all
        select m.value
        from jsonb_each(case jsonb_typeof(e.value) when 'object' then e.value else '{}' end) as m
        where e.key = any('{$defs,definitions,dependentSchemas,patternProperties,properties}')
    ) as c
)

select jsonb_object_agg(n.uri, jsonb_build_object('s', n.schema, 'b', n.outer_base, 'd', n.dynamic))
from (
    select distinct on (k.uri)
        k.uri,
        k.dynamic,
        w.schema,
        w.outer_base
    from walk as w
    cross join lateral (values
        (case when w.depth = 0 or jsonb_typeof(w.schema -> '$id') = 'string' then w.base end, false),
        (w.base || '#' || (w.schema ->> '$anchor'), false),
        (w.base || '#' || (w.schema ->> '$dynamicAnchor'), true)
    ) as k (uri, dynamic)
    where k.uri is not null
    order by k.uri, k.dynamic desc, w.depth
) as n
$function$;
comment on function artery._json_schema_index(jsonb) is 'Where the references of a schema lead: its resources and anchors by URI';
