-- constraints on a short table: a scan of it blocks nobody
-- squawk-ignore-file constraint-missing-not-valid
set local role artery_owner;

-- what is on its way in; nothing of it can be seen as an attachment
create table artery.download (
    attachment_id bigint generated always as identity primary key,
    task_id bigint not null constraint download_task_id_key unique,
    attempt integer not null,
    kind text not null,
    chunks integer not null default 0,
    bytes bigint not null default 0,
    started_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
comment on table artery.download is
'Files that runners are fetching, one row an attempt; what none of them finishes is swept away';

create table artery.attachment (
    id bigint primary key,
    task_id bigint not null constraint attachment_task_id_key unique,
    request_id uuid not null,
    topic text not null,
    document_type text,
    document_id text,
    kind text not null,
    file_name text not null,
    content_type text,
    bytes bigint not null,
    sha256 bytea not null,
    chunks integer not null,
    attached_at timestamptz not null default clock_timestamp(),
    constraint attachment_kind_check check (kind in ('pdf', 'ofd', 'xml', 'any')),
    constraint attachment_bytes_check check (bytes > 0 and chunks > 0)
);
create index attachment_document_idx on artery.attachment (document_id, document_type)
where document_id is not null;
comment on table artery.attachment is
'Files fetched for documents, each whole and checked: its row appears when its last byte is stored. '
'At most one a task; stays when the task is archived';
comment on column artery.attachment.kind is
'What its content was checked to be; any = not checked';
comment on column artery.attachment.sha256 is
'Of the whole content, as it was received';

-- no foreign key: a chunk is there before its attachment
create table artery.attachment_chunk (
    attachment_id bigint not null,
    position integer not null,
    data bytea not null,
    primary key (attachment_id, position)
);
-- PDF and OFD are compressed already
alter table artery.attachment_chunk alter column data set storage external;
comment on table artery.attachment_chunk is
'Content of attachments in pieces of 256 KiB, so that neither server nor client, pg_dump included, '
'ever holds a whole file in memory';

grant select on artery.attachment, artery.download to artery_reader;
grant select on artery.attachment to artery_app;
grant delete on artery.attachment to artery_admin;

alter table artery.endpoint
add column log_keep interval,
add constraint endpoint_log_keep_check check (log_keep >= interval '1 hour');
comment on column artery.endpoint.log_keep is
'Its calls leave cloud_log when they are older, by whole days (UTC); null = with their partition '
'(artery.partitioning.keep), which none outlives';

create table artery.log_trim (
    endpoint_id integer primary key references artery.endpoint (id) on delete cascade,
    trimmed_until timestamptz not null
);
comment on table artery.log_trim is
'How far cloud_log is cleared of each endpoint that keeps its calls for a shorter time than others';
grant select on artery.log_trim to artery_reader;
