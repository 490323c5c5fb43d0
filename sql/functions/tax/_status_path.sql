create or replace function artery_tax._status_path(p_profile text, p_status text)
returns jsonpath
language sql
stable
set search_path = ''
as $function$
select string_agg(format('%s == %s', g.answer ->> 'status', to_jsonb(s.key)), ' || ' order by s.key)::jsonpath
from artery_tax.gateway_profile as g
cross join jsonb_each_text(g.answer -> 'statuses') as s
where g.name = p_profile and s.value = p_status
$function$;
comment on function artery_tax._status_path(text, text) is
'Predicate of a route: an answer of this profile says that status';
grant execute on function artery_tax._status_path(text, text) to artery_admin;
