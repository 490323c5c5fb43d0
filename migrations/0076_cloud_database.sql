set local role artery_owner;

create table artery_procurement.cloud_server (
    server text primary key,
    inbox text not null default 'artery_staging.supplier_asn',
    batch_size integer not null default 500,
    max_lag interval not null default '5 minutes',
    txid bigint not null default 0,
    seq bigint not null default 0,
    system_identifier text,
    pulled bigint not null default 0,
    duplicates bigint not null default 0,
    refused bigint not null default 0,
    horizon bigint,
    answered_at timestamptz,
    held_since timestamptz,
    stale_since timestamptz,
    notice text,
    set_up_at timestamptz not null default clock_timestamp(),
    set_up_by text not null default session_user,
    constraint cloud_server_name_check check (server ~ '^[a-z][a-z0-9_]{0,39}$'),
    constraint cloud_server_inbox_check check (inbox ~ '^[a-z_]+\.[a-z0-9_]+$'),
    constraint cloud_server_batch_size_check check (batch_size between 1 and 10000),
    constraint cloud_server_max_lag_check check (max_lag > interval '0')
);
comment on table artery_procurement.cloud_server is
'PostgreSQL servers in the cloud that shipping notices are taken from, and how far '
'(docs/cloud-database.md)';
comment on column artery_procurement.cloud_server.inbox is 'The staging table that takes them';
comment on column artery_procurement.cloud_server.txid is
'With seq: the last row taken, by the transaction that wrote it there. All before it were taken: '
'nothing is read of transactions beside which an older one is still open';
comment on column artery_procurement.cloud_server.system_identifier is
'Of the cluster that txid was counted by; another one, or a restored one, counts otherwise';
comment on column artery_procurement.cloud_server.horizon is
'The oldest transaction still open there at the last pull';
comment on column artery_procurement.cloud_server.held_since is
'Since when rows wait for an older transaction to end; null = none do';
comment on column artery_procurement.cloud_server.stale_since is
'Since when what answers is a replica behind by more than max_lag; null = it is not';

create table artery_procurement.cloud_refusal (
    server text not null references artery_procurement.cloud_server (server)
    on update cascade on delete cascade,
    txid bigint not null,
    seq bigint not null,
    source text,
    message_id text,
    body text,
    sqlstate text not null,
    message text not null,
    refused_at timestamptz not null default clock_timestamp(),
    primary key (server, txid, seq)
);
comment on table artery_procurement.cloud_refusal is
'Rows that the inbox could not take as they are: kept here whole, passed over';

grant select on artery_procurement.cloud_server, artery_procurement.cloud_refusal to artery_reader;
grant update (batch_size, max_lag) on artery_procurement.cloud_server to artery_admin;
grant delete on artery_procurement.cloud_refusal to artery_admin;
