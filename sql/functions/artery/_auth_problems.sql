/* The settings of each auth_kind, in one table, and what else must fit. No value is shown: what
   does not fit may be a secret in the wrong place. */
create or replace function artery._auth_problems(p_endpoint artery.endpoint)
returns setof text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
with setting (name, kinds, required, pattern) as (
    values
    ('header', '{api_key}'::text[], '{}'::text[], '^[A-Za-z0-9!#$%&''*+.^_`|~-]{1,100}$'),
    ('token_url', '{client_credentials,jwt_bearer,token_exchange}',
        '{client_credentials,jwt_bearer,token_exchange}', '^https?://[^/?#@[:space:]]+(/[^?#@[:space:]]*)?$'),
    ('token_ca', '{client_credentials,jwt_bearer,token_exchange}', '{}', '^(system|endpoint)$'),
    ('client_id', '{client_credentials,jwt_bearer,token_exchange}', '{client_credentials,jwt_bearer}', '^[ -~]{1,255}$'),
    ('client_auth', '{client_credentials}', '{}', '^(client_secret_basic|client_secret_post|private_key_jwt)$'),
    ('client_auth', '{token_exchange}', '{}', '^(client_secret_basic|client_secret_post|private_key_jwt|none)$'),
    ('issuer', '{client_credentials,jwt_bearer,token_exchange}', '{jwt_bearer}', '^[!-~]{1,255}$'),
    ('algorithm', '{client_credentials,jwt_bearer,token_exchange}', '{}', '^((RS|PS|ES)(256|384|512)|EdDSA|Ed25519)$'),
    ('key_id', '{client_credentials,jwt_bearer,token_exchange}', '{}', '^[ -~]{1,255}$'),
    ('scope', '{client_credentials,jwt_bearer,token_exchange}', '{}', '^[!#-[\]-~]+( [!#-[\]-~]+)*$'),
    ('audience', '{client_credentials,token_exchange}', '{}', '^[!-~]{1,255}$'),
    ('resource', '{client_credentials,jwt_bearer,token_exchange}', '{}', '^[a-z][a-z0-9+.-]*:[!-~]+$'),
    ('subject', '{jwt_bearer}', '{}', '^[ -~]{1,255}$'),
    ('subject_from', '{jwt_bearer,token_exchange}', '{}', '^task$'),
    ('claims', '{jwt_bearer}', '{}', null),
    ('subject_token_type', '{token_exchange}', '{token_exchange}', '^[a-z][a-z0-9+.-]*:[!-~]+$'),
    ('requested_token_type', '{token_exchange}', '{}', '^[a-z][a-z0-9+.-]*:[!-~]+$')
),

e as (
    select
        p_endpoint.auth_kind as kind,
        p_endpoint.auth as auth,
        p_endpoint.auth ->> 'client_auth' as client_auth,
        p_endpoint.auth_kind = 'none' or (p_endpoint.auth_kind = 'token_exchange'
            and coalesce(p_endpoint.auth ->> 'client_auth', '') = 'none') as bare,
        -- tokens about the user of each task: the subject token is one that we sign
        p_endpoint.auth_kind = 'token_exchange'
        and coalesce(p_endpoint.auth ? 'subject_from', false) as signs_subject
),

given as (
    select
        a.name,
        a.value,
        s.name as known,
        s.pattern
    from e
    cross join jsonb_each(case jsonb_typeof(e.auth) when 'object' then e.auth else '{}' end) as a (name, value)
    left join setting as s on s.name = a.name and e.kind = any(s.kinds)
)

select 'auth is no object' from e where jsonb_typeof(e.auth) <> 'object'
union all
select format('auth.%s is no setting of %s', left(g.name, 40), e.kind) from given as g, e where g.known is null
union all
select format('auth.%s is missing', s.name)
from setting as s, e
where e.kind = any(s.required) and not coalesce(e.auth, '{}') ? s.name
union all
select format('auth.%s is not of the right form', g.name)
from given as g
where g.pattern is not null and (jsonb_typeof(g.value) <> 'string' or g.value #>> '{}' !~ g.pattern)
union all
select 'auth.claims must be an object of strings, numbers and booleans, without iss, sub, aud, exp, nbf, iat, jti'
from given as g
where g.name = 'claims' and (
    jsonb_typeof(g.value) <> 'object'
    or g.value ?| '{iss,sub,aud,exp,nbf,iat,jti}'
    or jsonb_path_exists(g.value, '$.* ? (@.type() != "string" && @.type() != "number" && @.type() != "boolean")')
)
union all
select 'auth.header is one that the runner sets itself'
from given as g
where g.name = 'header' and lower(g.value #>> '{}') in (
    'connection', 'content-length', 'content-type', 'cookie', 'expect', 'host', 'idempotency-key', 'keep-alive',
    'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent', 'x-request-id'
)
union all
select 'auth.issuer is missing: private_key_jwt is made out to it'
from e
where e.client_auth = 'private_key_jwt' and not e.auth ? 'issuer'
union all
select format('auth.%s is of no use without private_key_jwt', g.name)
from given as g, e
where
    g.name in ('issuer', 'algorithm', 'key_id')
    and e.kind in ('client_credentials', 'token_exchange')
    and e.client_auth is distinct from 'private_key_jwt'
union all
select 'auth.client_id is missing: the client authenticates as it'
from e
where e.kind = 'token_exchange' and not e.bare and not e.auth ? 'client_id'
union all
select 'auth.token_url is http under a base URL that is https'
from e
where p_endpoint.base_url ~* '^https:' and e.auth ->> 'token_url' ~* '^http:'
union all
select case when e.bare then 'secret_ref is given, and not needed' else 'secret_ref is missing' end
from e
where e.bare = (p_endpoint.secret_ref is not null)
union all
select case when p_endpoint.subject_ref is null then 'subject_ref is missing' else 'subject_ref is given, and not needed' end
from e
where (e.kind = 'token_exchange' and not e.signs_subject) = (p_endpoint.subject_ref is null)
union all
select 'auth.subject and auth.subject_from are both given'
from e
where e.auth ?& '{subject,subject_from}'
union all
select 'auth.client_auth must be private_key_jwt with subject_from: its key signs the subject token'
from e
where e.signs_subject and e.client_auth is distinct from 'private_key_jwt'
union all
select 'ca_bundle is no PEM of certificates'
where p_endpoint.ca_bundle !~ '^\s*(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$'
union all
select 'proxy_url is not of the form http://host:port'
where p_endpoint.proxy_url !~ '^http://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}/?$'
union all
select 'proxy_ref is given without proxy_url'
where p_endpoint.proxy_ref is not null and p_endpoint.proxy_url is null
$function$;
comment on function artery._auth_problems(artery.endpoint) is
'What does not fit among auth_kind, auth, the references, ca_bundle and proxy; no rows = all does';
grant execute on function artery._auth_problems(artery.endpoint) to artery_admin;
