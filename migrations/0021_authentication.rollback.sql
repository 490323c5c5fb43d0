set local role artery_owner;
comment on column artery.system_vault.base_url is null;
comment on column artery.endpoint.auth_kind is null;
update artery.endpoint
set auth_kind = 'none', secret_ref = null, enabled = false
where auth_kind in ('client_credentials', 'jwt_bearer', 'token_exchange');
alter table artery.endpoint
drop constraint endpoint_auth_kind_check,
add constraint endpoint_auth_kind_check check (auth_kind in ('none', 'api_key', 'basic', 'bearer')),
drop column auth,
drop column subject_ref,
drop column client_cert_ref,
drop column ca_bundle,
drop column proxy_url,
drop column proxy_ref;
