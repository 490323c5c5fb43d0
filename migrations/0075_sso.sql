set local role artery_owner;

create table artery_procurement.sso_platform (
    platform text primary key,
    method text not null,
    enabled boolean not null default true,
    allowed_urls text[] not null,
    target_url text,
    initiate_login_uri text,
    issuer text,
    topic text,
    url_path jsonpath not null default '$.url',
    valid_for interval not null default '1 minute',
    keep interval not null default '2 years',
    updated_at timestamptz not null default clock_timestamp(),
    constraint sso_platform_name_check check (platform ~ '^[a-z][a-z0-9_.-]{0,62}$'),
    constraint sso_platform_method_check check (method in ('oidc', 'token')),
    constraint sso_platform_valid_for_check check (
        valid_for between interval '5 seconds' and interval '10 minutes'
    ),
    constraint sso_platform_keep_check check (keep >= interval '1 day')
);
comment on table artery_procurement.sso_platform is
'Supplier platforms that the ERP''s users are signed in on (docs/sso.md)';
comment on column artery_procurement.sso_platform.method is
'oidc = login initiated by a third party (OpenID Connect Core 4): the platform asks our identity '
'provider; token = the runner signs on for the user (RFC 7523, RFC 8693) and is given a one-time URL';
comment on column artery_procurement.sso_platform.allowed_urls is
'Where a user may be sent: origins or paths, such as https://srm.example/app; nothing else is ever '
'given to a browser';
comment on column artery_procurement.sso_platform.target_url is
'Where a user lands unless the call says otherwise; null = the platform decides';
comment on column artery_procurement.sso_platform.initiate_login_uri is
'oidc: where the platform lets logins be initiated';
comment on column artery_procurement.sso_platform.issuer is
'oidc: the identity provider that the platform is to ask, by its issuer identifier';
comment on column artery_procurement.sso_platform.topic is
'token: the route of the call that is answered with the one-time URL';
comment on column artery_procurement.sso_platform.url_path is 'token: where that URL stands in the answer';
comment on column artery_procurement.sso_platform.valid_for is
'From the click on: what is not used by then is worth nothing';
comment on column artery_procurement.sso_platform.keep is 'How long the record of its launches is kept';

create table artery_procurement.sso_user (
    platform text not null references artery_procurement.sso_platform (platform)
    on update cascade on delete cascade,
    user_name text not null,
    subject text not null,
    enabled boolean not null default true,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (platform, user_name),
    constraint sso_user_subject_check check (subject ~ '^[!-~]{1,255}$')
);
comment on table artery_procurement.sso_user is
'Which of the ERP''s users are known on a platform, and as whom; who is not here is not signed in';
comment on column artery_procurement.sso_user.subject is
'oidc: login_hint, as the identity provider knows the user; token: sub of what is signed';

create table artery_procurement.sso_launch (
    id bigint generated always as identity primary key,
    platform text not null,
    user_name text not null,
    subject text not null,
    target_url text,
    status text not null,
    requested_at timestamptz not null default clock_timestamp(),
    requested_by text not null default session_user,
    expires_at timestamptz not null,
    ended_at timestamptz,
    task_id bigint,
    reasons jsonb,
    ticket_hash bytea,
    url text,
    constraint sso_launch_ticket_hash_key unique (ticket_hash),
    constraint sso_launch_status_check check (
        status in ('waiting', 'ready', 'launched', 'expired', 'failed')
    ),
    constraint sso_launch_url_check check ((status = 'ready') = (url is not null))
);
create index sso_launch_open_idx on artery_procurement.sso_launch (expires_at)
where status in ('waiting', 'ready');
create index sso_launch_task_id_idx on artery_procurement.sso_launch (task_id)
where task_id is not null;
create index sso_launch_user_idx on artery_procurement.sso_launch (platform, user_name, id);
create index sso_launch_requested_at_idx on artery_procurement.sso_launch (platform, requested_at);
comment on table artery_procurement.sso_launch is
'Every sign-on: who, where to, when, by which of our logins, what became of it';
comment on column artery_procurement.sso_launch.status is
'waiting (for the platform), ready (its URL waits to be fetched), launched, expired, failed';
comment on column artery_procurement.sso_launch.ticket_hash is 'SHA-256; the ticket itself is kept nowhere';
comment on column artery_procurement.sso_launch.url is
'The one-time URL, only from its arrival until it is fetched or expires; shown to nobody else';

grant select on artery_procurement.sso_platform, artery_procurement.sso_user to artery_reader;
grant select (
    id, platform, user_name, subject, target_url, status, requested_at, requested_by, expires_at,
    ended_at, task_id, reasons
) on artery_procurement.sso_launch to artery_reader;
grant insert, update, delete on artery_procurement.sso_platform, artery_procurement.sso_user
to artery_admin;
