-- The libpq and postgres_fdw options that may be set; a password is none of them
create or replace function artery_procurement._cloud_problems(p_server text, p_options jsonb)
returns setof text
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select format('%L is no name for a server: a-z, 0-9, _, at most 40', p_server)
where p_server !~ '^[a-z][a-z0-9_]{0,39}$' or p_server is null
union all
select format('the option %L is not known', o.name)
from jsonb_object_keys(p_options) as o (name)
where o.name not in (
    'host', 'hostaddr', 'port', 'dbname', 'user', 'schema', 'passfile', 'sslmode', 'sslcert', 'sslkey', 'sslrootcert',
    'sslcrl', 'channel_binding', 'gssencmode', 'krbsrvname', 'target_session_attrs', 'connect_timeout', 'keepalives_idle',
    'keepalives_interval', 'keepalives_count', 'tcp_user_timeout', 'fetch_size', 'password', 'sslpassword'
)
union all
select format('the option %L is missing', m.name)
from unnest(array['host', 'dbname', 'user']) as m (name)
where coalesce(p_options ->> m.name, '') = ''
union all
select format('%s must be a whole number from %s to %s', b.name, b.least, b.most)
from (values
    ('connect_timeout', 2, 60), ('keepalives_idle', 1, 300), ('keepalives_interval', 1, 60),
    ('keepalives_count', 1, 10), ('tcp_user_timeout', 1000, 120000), ('fetch_size', 1, 10000), ('port', 1, 65535)
) as b (name, least, most)
where case
    when p_options ->> b.name ~ '^[0-9]{1,6}$' then (p_options ->> b.name)::integer not between b.least and b.most
    else p_options ? b.name
end
$function$;
comment on function artery_procurement._cloud_problems(text, jsonb) is
'What does not hold in the parameters of artery_procurement.setup_cloud; no rows = all does';
grant execute on function artery_procurement._cloud_problems(text, jsonb) to artery_admin;
