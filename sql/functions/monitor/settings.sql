create or replace function artery_monitor._settings(p_table regclass, p_row jsonb)
returns table (setting text, value text, default_value text, meaning text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    a.attname::text,
    p_row ->> a.attname,
    -- as a value rather than as SQL: '00:00:05'::interval
    regexp_replace(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '^''(.*)''::[a-z ]+(\[\])?$', '\1'),
    pg_catalog.col_description(a.attrelid, a.attnum)
from pg_catalog.pg_attribute as a
left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where
    a.attrelid = p_table
    and a.attnum > 0
    and not a.attisdropped
    and p_row is not null
    and not a.attname = any('{id,version,updated_at,endpoint_id}')
order by a.attnum
$function$;
comment on function artery_monitor._settings(regclass, jsonb) is
'The columns of a row: name, value, default, comment';
grant execute on function artery_monitor._settings(regclass, jsonb) to artery_reader;

create or replace function artery_monitor.endpoint_settings(p_name text)
returns table (setting text, value text, default_value text, meaning text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select s.*
from (select artery.endpoint_id(p_name) as id) as n
inner join artery.endpoint as e on e.id = n.id
cross join lateral artery_monitor._settings('artery.endpoint', to_jsonb(e)) as s
$function$;
comment on function artery_monitor.endpoint_settings(text) is
'All settings of an endpoint: value, default, what it means. Errors: IN041 no such endpoint';
grant execute on function artery_monitor.endpoint_settings(text) to artery_reader;

create or replace function artery_monitor.route_settings(p_topic text)
returns table (setting text, value text, default_value text, meaning text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select 'endpoint', e.name, null, 'Where its tasks go'
from artery.route as r
inner join artery.endpoint as e on e.id = r.endpoint_id
where r.topic = p_topic
union all
select s.*
from artery.route as r
cross join lateral artery_monitor._settings('artery.route', to_jsonb(r)) as s
where r.topic = p_topic
$function$;
comment on function artery_monitor.route_settings(text) is
'All settings of a topic''s route: value, default, what it means; no row = no such topic';
grant execute on function artery_monitor.route_settings(text) to artery_reader;
