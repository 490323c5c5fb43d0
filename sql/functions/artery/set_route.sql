create or replace function artery._route_settings(p_settings jsonb)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select case
    when p_settings ? 'endpoint'
        then p_settings - 'endpoint' || jsonb_build_object('endpoint_id', artery.endpoint_id(p_settings ->> 'endpoint'))
    else p_settings
end
$function$;
comment on function artery._route_settings(jsonb) is
'A route''s settings with its endpoint''s id for its name. Errors: IN041 no such endpoint';
grant execute on function artery._route_settings(jsonb) to artery_admin;

create or replace function artery._set_route(p_topic text, p_settings jsonb, p_new boolean)
returns table (setting text, was text, becomes text)
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select
    replace(s.setting, 'endpoint_id', 'endpoint'),
    coalesce((select e.name from artery.endpoint as e where s.setting = 'endpoint_id' and e.id::text = s.was), s.was),
    coalesce((select e.name from artery.endpoint as e where s.setting = 'endpoint_id' and e.id::text = s.becomes), s.becomes)
from artery._set_row('artery.route', 'topic', p_topic, artery._route_settings(p_settings), p_new) as s
$function$;
comment on function artery._set_route(text, jsonb, boolean) is 'artery._set_row for a route: its endpoint goes by name';
grant execute on function artery._set_route(text, jsonb, boolean) to artery_admin;

create or replace function artery.add_route(
    p_topic text,
    p_endpoint text,
    p_path_template text,
    p_settings jsonb default '{}'
)
returns table (setting text, was text, becomes text)
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select s.*
from artery._set_route(
    p_topic,
    coalesce(p_settings, '{}') || jsonb_build_object('endpoint', p_endpoint, 'path_template', p_path_template),
    true
) as s
$function$;
comment on function artery.add_route(text, text, text, jsonb) is
'Says where the tasks of a topic go; p_settings has columns of artery.route by name. Errors: IN041 no such endpoint, IN014 wrong '
'settings, IN009 handler that cannot be called, 23514, 23505 exists';
grant execute on function artery.add_route(text, text, text, jsonb) to artery_admin;

create or replace function artery.set_route(p_topic text, p_settings jsonb)
returns table (setting text, was text, becomes text)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not exists (select from artery.route as r where r.topic = p_topic) then
        raise exception using
            errcode = 'IN001',
            message = format('there is no route for topic %L', p_topic),
            detail = (
                select 'There are: ' || coalesce(string_agg(r.topic, ', ' order by r.topic), 'none') || '.'
                from artery.route as r
            ),
            hint = 'artery route list shows them; artery.add_route makes one.';
    end if;
    return query select s.* from artery._set_route(p_topic, p_settings, false) as s;
end
$function$;
comment on function artery.set_route(text, jsonb) is
'Changes settings of a route, "endpoint" by its name among them; tasks that wait keep path and body. Errors: IN001 no such '
'topic, and those of artery.add_route';
grant execute on function artery.set_route(text, jsonb) to artery_admin;
