create or replace function artery.list_secrets()
returns table (
    name text,
    version integer,
    state text,
    key_id text,
    endpoint text,
    base_url text,
    used_by text[],
    created_at timestamptz,
    created_by text,
    retired_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    v.name,
    v.version,
    case
        when v.retired_at is not null then 'retired'
        when v.version < max(v.version) over (partition by v.name) then 'previous'
        else 'current'
    end,
    v.key_id,
    b.name,
    v.base_url,
    array(
        select e.name from artery.endpoint as e
        where
            v.retired_at is null
            and 'vault:' || v.name in (
                e.secret_ref, e.signing_ref, e.subject_ref, e.client_cert_ref, e.proxy_ref
            )
        order by e.name
    ),
    v.created_at,
    v.created_by,
    v.retired_at
from artery.system_vault as v
left join artery.endpoint as b on b.id = v.endpoint_id
order by v.name, v.version
$function$;
comment on function artery.list_secrets() is
'All versions of all secrets, without what they hold: state current, previous or retired; the '
'endpoint each is bound to; the endpoints that refer to it';
grant execute on function artery.list_secrets() to artery_admin;
