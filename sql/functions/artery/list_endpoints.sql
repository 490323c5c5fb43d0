create or replace function artery.list_endpoints()
returns table (
    name text,
    base_url text,
    enabled boolean,
    breaker text,
    auth_kind text,
    egress_rules text[],
    topics text[]
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    e.name,
    e.base_url,
    e.enabled,
    coalesce(b.state, 'closed'),
    e.auth_kind,
    array(
        select format('%s port %s', r.network, concat_ws('-', r.first_port, nullif(r.last_port, r.first_port)))
        from artery.egress_rule as r
        where r.endpoint = e.name
        order by r.network, r.first_port
    ),
    array(
        select t.topic
        from artery.route as t
        where t.endpoint_id = e.id
        order by t.topic
    )
from artery.endpoint as e
left join artery.breaker as b on b.endpoint_id = e.id
order by e.name
$function$;
comment on function artery.list_endpoints() is
'The endpoints for people: where they are, whether they are called, what they may reach';
grant execute on function artery.list_endpoints() to artery_reader;
