create or replace function artery._moved_secrets(p_old artery.endpoint, p_new artery.endpoint)
returns text[]
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(array_agg(r.name order by r.name), '{}')
from (
    values
    ('secret_ref', p_old.secret_ref, p_new.secret_ref, true, true, false),
    ('subject_ref', p_old.subject_ref, p_new.subject_ref, true, true, false),
    ('signing_ref', p_old.signing_ref, p_new.signing_ref, true, false, false),
    ('client_cert_ref', p_old.client_cert_ref, p_new.client_cert_ref, true, false, false),
    ('proxy_ref', p_old.proxy_ref, p_new.proxy_ref, false, false, true)
) as r (name, before, after, by_base, by_token, by_proxy)
where
    r.before = r.after
    and (
        (r.by_base and p_old.base_url <> p_new.base_url)
        or (r.by_token and p_old.auth ->> 'token_url' is distinct from p_new.auth ->> 'token_url')
        or (r.by_proxy and p_old.proxy_url is distinct from p_new.proxy_url)
    )
$function$;
comment on function artery._moved_secrets(artery.endpoint, artery.endpoint) is
'The references that a changed endpoint keeps although their secrets would go to another address';
grant execute on function artery._moved_secrets(artery.endpoint, artery.endpoint) to artery_admin;
