create or replace function artery.add_endpoint(
    p_name text,
    p_base_url text,
    p_settings jsonb default '{}'
)
returns table (setting text, was text, becomes text)
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select s.*
from artery._set_row(
    'artery.endpoint', 'name', p_name, coalesce(p_settings, '{}') || jsonb_build_object('base_url', p_base_url), true
) as s
$function$;
comment on function artery.add_endpoint(text, text, jsonb) is
'Makes an endpoint; p_settings has columns of artery.endpoint by name: {"rate_per_second": 5, "total_timeout": "10 s"}; values '
'may be text. Errors: IN007 base URL without a version, IN008 literal secret, IN014 wrong settings, 23514, 23505 exists';
grant execute on function artery.add_endpoint(text, text, jsonb) to artery_admin;

create or replace function artery.set_endpoint(p_name text, p_settings jsonb)
returns table (setting text, was text, becomes text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery.endpoint_id(p_name);
    return query select s.* from artery._set_row('artery.endpoint', 'name', p_name, p_settings, false) as s;
end
$function$;
comment on function artery.set_endpoint(text, jsonb) is
'Changes settings of an endpoint, given as to artery.add_endpoint; gives what changed, secrets dropped with a moved base_url '
'among it. Errors: IN041 no such endpoint, and those of artery.add_endpoint';
grant execute on function artery.set_endpoint(text, jsonb) to artery_admin;
