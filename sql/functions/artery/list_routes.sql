create or replace function artery.list_routes()
returns table (
    topic text,
    endpoint text,
    method text,
    path_template text,
    priority smallint,
    reply_handler text,
    description text
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    r.topic,
    e.name,
    r.method,
    r.path_template,
    r.priority,
    r.reply_handler,
    r.description
from artery.route as r
inner join artery.endpoint as e on e.id = r.endpoint_id
order by r.topic
$function$;
comment on function artery.list_routes() is 'The routes for people: which topic goes where';
grant execute on function artery.list_routes() to artery_reader;
