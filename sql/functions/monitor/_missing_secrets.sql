-- Definer: names of secrets are no secret, but the vault is not for readers
create or replace function artery_monitor._missing_secrets()
returns table (endpoint text, reference text)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select e.name, r.reference
from artery.endpoint as e
cross join lateral (
    values (e.secret_ref), (e.signing_ref), (e.subject_ref), (e.client_cert_ref), (e.proxy_ref)
) as r (reference)
where
    e.enabled
    and r.reference like 'vault:%'
    and not exists (
        select from artery.system_vault as v
        where v.retired_at is null and 'vault:' || v.name = r.reference
    )
$function$;
comment on function artery_monitor._missing_secrets() is
'References of enabled endpoints to secrets that the vault does not have';
grant execute on function artery_monitor._missing_secrets() to artery_reader;
