create or replace function artery_tax._status_path(p_profile text, p_status text)
returns jsonpath
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select string_agg(
    format('%s == %s', g.answer ->> 'status', v.value), ' || ' order by s.key, v.value
)::jsonpath
from artery_tax.gateway_profile as g
cross join jsonb_each_text(g.answer -> 'statuses') as s
-- a status that is a number may come as one, or as text
cross join lateral (
    select to_jsonb(s.key)::text as value
    union all
    select s.key
    where s.key ~ '^(0|[1-9][0-9]{0,8})$'
) as v
where g.name = p_profile and s.value = p_status
$function$;
comment on function artery_tax._status_path(text, text) is
'Predicate of a route: an answer of this profile says that status';
grant execute on function artery_tax._status_path(text, text) to artery_admin;
