set local role artery_owner;

alter table artery.endpoint
add column auth jsonb,
add column subject_ref text,
add column client_cert_ref text,
add column ca_bundle text,
add column proxy_url text,
add column proxy_ref text;
-- more kinds than before, among a handful of rows
-- squawk-ignore ban-drop-constraint
alter table artery.endpoint drop constraint endpoint_auth_kind_check;
-- squawk-ignore constraint-missing-not-valid
alter table artery.endpoint add constraint endpoint_auth_kind_check check (
    auth_kind in (
        'none', 'api_key', 'basic', 'bearer', 'client_credentials', 'jwt_bearer', 'token_exchange'
    )
);
comment on column artery.endpoint.auth_kind is
'none, api_key, basic, bearer (secret_ref is what is sent); client_credentials, jwt_bearer, '
'token_exchange (OAuth 2: the runner fetches a token, with secret_ref). See docs/authentication.md';
comment on column artery.endpoint.auth is
'Settings of auth_kind, none of them secret: {"header": …} of api_key; {"token_url": …, …} of '
'OAuth 2. artery._auth_problems knows the keys';
comment on column artery.endpoint.subject_ref is
'vault:NAME or env:NAME of the token that token_exchange gives in exchange';
comment on column artery.endpoint.client_cert_ref is
'vault:NAME or env:NAME of a client certificate, its chain and its private key, in PEM (mTLS); '
'goes with any auth_kind';
comment on column artery.endpoint.ca_bundle is
'CA certificates in PEM: the only ones that are trusted here, in place of the system''s';
comment on column artery.endpoint.proxy_url is
'Forward proxy, http://host:port: calls and token requests go through it by CONNECT';
comment on column artery.endpoint.proxy_ref is
'vault:NAME or env:NAME of user:password for the proxy; null = none';
comment on column artery.system_vault.base_url is
'The address that it is bound to: the base URL; then, of a secret of OAuth 2, a space and the token '
'URL; of proxy_ref the proxy''s URL instead';

-- it comes back with another row type
-- squawk-ignore ban-drop-function
drop function if exists artery.endpoint_config(integer[]);
