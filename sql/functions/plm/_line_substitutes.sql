create or replace function artery_plm._line_substitutes(p_substitutes jsonb)
returns table (priority integer, component text, ratio numeric)
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select
    coalesce(artery_plm._number_text(s.value -> 'priority')::integer, s.position::integer),
    artery_plm._code(s.value ->> 'component'),
    trim_scale(coalesce(artery_plm._number_text(s.value -> 'ratio')::numeric, 1))
from jsonb_array_elements(case jsonb_typeof(p_substitutes) when 'array' then p_substitutes end)
    with ordinality as s (value, position)
$function$;
comment on function artery_plm._line_substitutes(jsonb) is
'Substitutes of a line, typed; in their order where they came without a priority';
