create or replace function artery_tax.read_answer(p_body jsonb, p_profile text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
with profile as (
    select g.answer
    from artery_tax.gateway_profile as g
    where g.name = p_profile
),

found as (
    select
        a.key,
        case jsonb_array_length(f.items)
            when 0 then null
            when 1 then nullif(f.items -> 0, 'null')
            else f.items
        end as value
    from profile as p
    cross join jsonb_each_text(p.answer - 'statuses') as a
    cross join lateral (
        select jsonb_path_query_array(p_body, a.value::jsonpath, '{}', true) as items
    ) as f
),

said as (
    select coalesce(jsonb_object_agg(
        f.key,
        case
            -- numbers keep all their digits: they were never anything but decimal text
            when f.key <> 'files' and jsonb_typeof(f.value) in ('string', 'number', 'boolean')
                then to_jsonb(f.value #>> '{}')
            else f.value
        end
    ) filter (where f.value is not null), '{}') as fields
    from found as f
)

select jsonb_strip_nulls(s.fields || jsonb_build_object(
    'said', s.fields -> 'status',
    'status', p.answer -> 'statuses' -> (s.fields ->> 'status'),
    'reason', nullif(concat_ws(': ',
        s.fields ->> 'error_code',
        case jsonb_typeof(s.fields -> 'error')
            when 'array' then (
                select string_agg(e.value, '; ' order by e.no)
                from jsonb_array_elements_text(s.fields -> 'error') with ordinality as e (value, no)
            )
            else s.fields ->> 'error'
        end
    ), '')
))
from said as s
cross join profile as p
$function$;

comment on function artery_tax.read_answer(jsonb, text) is
'An answer of a gateway in our words, by the paths in its profile''s column answer: {"status": "issued" | "processing" | "failed", '
'"said" (its own word), "number", "code", "issued_at", "amount", "tax", "total", "buyer_name", "buyer_tax_no", "seller_tax_no", '
'"order_no", "request_id", "reason", "files"}; what it does not say is left out';
revoke execute on function artery_tax.read_answer(jsonb, text) from public;
