create or replace function artery.vault_secrets(p_names text[] default null)
returns table (
    name text,
    version integer,
    key_id text,
    endpoint_id integer,
    base_url text,
    ciphertext bytea
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    v.name,
    v.version,
    v.key_id,
    v.endpoint_id,
    v.base_url,
    v.ciphertext
from artery.system_vault as v
where v.retired_at is null and (p_names is null or v.name = any(p_names))
order by v.name, v.version desc
$function$;
comment on function artery.vault_secrets(text[]) is
'The live versions of these secrets (null = of all), sealed, the newest of each first';
grant execute on function artery.vault_secrets(text[]) to artery_runner, artery_admin;
