-- artery.partitioning has a row a table: its columns are added, with constant defaults, at once
set local role artery_owner;

alter table artery.partitioning
add column archive_before_drop boolean not null default false,
add column problem text,
add column problem_since timestamptz;
comment on column artery.partitioning.archive_before_drop is
'Past their age, partitions are not dropped but wait for `artery archive run`, which drops them';
comment on column artery.partitioning.problem is
'Why the sweep could not drop what is past its age, at its last try; null = it could';

create table artery.partition_archive (
    id bigint generated always as identity primary key,
    parent text not null,
    partition text not null,
    day date not null,
    status text not null default 'begun',
    begun_at timestamptz not null default clock_timestamp(),
    begun_by text not null default session_user,
    row_count bigint,
    digest text,
    file text,
    sha256 text,
    bytes bigint,
    manifest jsonb,
    verified_at timestamptz,
    dropped_at timestamptz,
    constraint partition_archive_status_check check (status in ('begun', 'verified', 'dropped')),
    constraint partition_archive_verified_check check (
        status = 'begun'
        or num_nulls(row_count, digest, file, sha256, bytes, manifest, verified_at) = 0
    ),
    constraint partition_archive_dropped_check check (
        (status = 'dropped') = (dropped_at is not null)
    )
);
create unique index partition_archive_open_key on artery.partition_archive (partition)
where status <> 'dropped';
create index partition_archive_parent_idx on artery.partition_archive (parent, day);
comment on table artery.partition_archive is
'Partitions taken out of their tables by `artery archive run`: where each one''s file is. Nothing is '
'dropped that was not read back from its file';
comment on column artery.partition_archive.status is
'begun: detached, or about to be; verified: its file was read back and holds the same rows; dropped: '
'the file alone has them';
comment on column artery.partition_archive.digest is
'Of all rows, in any order: artery.rows_digest. Set when the partition was sealed';
comment on column artery.partition_archive.file is 'The path that `artery archive run` wrote it to';
comment on column artery.partition_archive.manifest is 'What stands beside the file';

grant select on artery.partition_archive to artery_reader;
