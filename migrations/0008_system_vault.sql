set local role artery_owner;

-- No CHECK here: a failed one writes the whole row into the server's log.
create table artery.system_vault (
    name text not null,
    version integer not null,
    ciphertext bytea,
    key_id text not null,
    endpoint_id integer references artery.endpoint (id) on delete cascade,
    base_url text,
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null default session_user,
    retired_at timestamptz,
    primary key (name, version)
);
create index system_vault_endpoint_id_idx on artery.system_vault (endpoint_id);
comment on table artery.system_vault is
'Secrets as AES-256-GCM ciphertext, made and opened outside the database by keys that never enter '
'it. Live are the newest version of a name and, during a rotation, the one before';
comment on column artery.system_vault.ciphertext is
'Nonce (12 bytes), ciphertext, tag (16 bytes). Authenticated with it: name, version, endpoint_id, '
'base_url. Null once retired';
comment on column artery.system_vault.key_id is
'Which key sealed it: the beginning of a hash of the key';
comment on column artery.system_vault.endpoint_id is
'The one endpoint that may use it, as long as it has this base_url; null = any endpoint';

alter table artery.endpoint add column signing_ref text;
comment on column artery.endpoint.signing_ref is
'vault:NAME or env:NAME of the key (whsec_...) that signs each call as Standard Webhooks 1.0 does; '
'null = unsigned';

-- both come back with another row type
-- squawk-ignore ban-drop-function
drop function if exists artery.endpoint_config(integer[]);
-- squawk-ignore ban-drop-function
drop function if exists artery._result_rows(jsonb);
