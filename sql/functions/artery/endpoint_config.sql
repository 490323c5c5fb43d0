create or replace function artery.endpoint_config(p_endpoint_ids integer[])
returns table (
    id integer,
    version integer,
    name text,
    base_url text,
    auth_kind text,
    secret_ref text,
    headers jsonb,
    connect_timeout_ms integer,
    tls_timeout_ms integer,
    first_byte_timeout_ms integer,
    total_timeout_ms integer,
    max_response_bytes integer,
    logged_body_bytes integer,
    enabled boolean,
    idempotent boolean,
    signing_ref text,
    egress_rules jsonb,
    access jsonb
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    e.id,
    e.version,
    e.name,
    e.base_url,
    e.auth_kind,
    e.secret_ref,
    e.headers,
    (extract(epoch from e.connect_timeout) * 1000)::integer,
    (extract(epoch from e.tls_timeout) * 1000)::integer,
    (extract(epoch from coalesce(e.first_byte_timeout, e.total_timeout)) * 1000)::integer,
    (extract(epoch from e.total_timeout) * 1000)::integer,
    e.max_response_bytes,
    e.logged_body_bytes,
    e.enabled,
    e.idempotent,
    e.signing_ref,
    coalesce((
        select jsonb_agg(jsonb_build_array(r.network, r.first_port, r.last_port) order by r.network)
        from artery.egress_rule as r
        where r.endpoint = e.name
    ), '[]'),
    jsonb_strip_nulls(jsonb_build_object(
        'auth', e.auth,
        'subject_ref', e.subject_ref,
        'client_cert_ref', e.client_cert_ref,
        'ca_bundle', e.ca_bundle,
        'proxy_url', e.proxy_url,
        'proxy_ref', e.proxy_ref
    ))
from artery.endpoint as e
where e.id = any(p_endpoint_ids)
$function$;
comment on function artery.endpoint_config(integer[]) is
'What a runner needs to call these endpoints; times in milliseconds, egress_rules [network, first '
'port, last port]. Cached by it until a claim shows a higher version';
grant execute on function artery.endpoint_config(integer[]) to artery_runner, artery_reader;
