/* A database that serves when this comes to it is to go on sending; a copy of one is not to begin.
   Until now there was no mark to tell them by, so that a sign of life decides: a runner was here
   within the hour. Where it can be read when the database was made (by a superuser), it was here
   after that, within the hour or since this server started. */
do $$
declare
    v_made_at timestamptz;
begin
    select f.modification
    into v_made_at
    from pg_catalog.pg_database as d
    cross join lateral pg_catalog.pg_stat_file(format('base/%s/PG_VERSION', d.oid), true) as f
    where d.datname = current_database();
    perform set_config('artery.database_made_at', coalesce(v_made_at::text, ''), true);
exception when insufficient_privilege then
    perform set_config('artery.database_made_at', '', true);
end
$$;

set local role artery_owner;

-- no key: what a restore adds to a row that is there already must get in, and be seen
create table artery.arming (
    armed boolean not null,
    system_identifier bigint,
    timeline integer not null,
    database_oid bigint not null,
    port integer not null,
    follow_promotion boolean,
    reason text not null,
    armed_by text not null default session_user,
    armed_at timestamptz not null default clock_timestamp(),
    row_xid bigint
);
comment on table artery.arming is
'Which database on which server may send; written by artery.arm and artery.disarm alone. One row; '
'a second one came out of a dump';
comment on column artery.arming.system_identifier is
'Of the cluster, by pg_control_system(); null = the server did not tell';
comment on column artery.arming.timeline is 'Of the WAL that the server writes; a promotion begins another';
comment on column artery.arming.port is
'A copy of the files on the same machine differs in nothing else';
comment on column artery.arming.follow_promotion is
'Whether a standby that is promoted may go on sending; null = nobody has decided, and it may not';
comment on column artery.arming.row_xid is
'The transaction that wrote this row: a row out of a dump was written by another';

create table artery.arming_event (
    id uuid primary key default gen_random_uuid(),
    happened_at timestamptz not null default clock_timestamp(),
    action text not null,
    reason text not null,
    done_by text not null default session_user,
    detail jsonb not null,
    constraint arming_event_action_check check (action in ('arm', 'disarm', 'follow'))
);
comment on table artery.arming_event is
'Who let this database send, and who stopped it, when and why; a copy brings along what it was copied from';
comment on column artery.arming_event.action is 'arm; disarm; follow = it went on by itself after a promotion';
grant select on artery.arming, artery.arming_event to artery_reader;

do $$
declare
    v_made_at constant timestamptz := nullif(current_setting('artery.database_made_at', true), '')::timestamptz;
    v_seen_at constant timestamptz := (select max(r.seen_at) from artery.runner as r);
    v_fresh constant boolean := v_seen_at is null and not exists (select from artery.cloud_log);
    v_since constant timestamptz := least(
        clock_timestamp() - interval '1 hour',
        case when v_made_at is not null then pg_catalog.pg_postmaster_start_time() end
    );
    v_armed constant boolean := v_fresh or coalesce(v_seen_at > greatest(v_since, v_made_at), false);
    v_system bigint;
begin
    if pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') then
        v_system := (select s.system_identifier from pg_catalog.pg_control_system() as s);
    end if;
    insert into artery.arming (armed, system_identifier, timeline, database_oid, port, reason)
    select
        v_armed,
        v_system,
        ('x' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8))::bit(32)::integer,
        d.oid,
        current_setting('port')::integer,
        case
            when v_fresh then 'installed in a database that has sent nothing yet'
            when v_armed then format('upgraded while in service: a runner was here at %s', v_seen_at)
            else format('upgraded, and no runner was here since %s: is it a copy?', v_seen_at)
        end
    from pg_catalog.pg_database as d
    where d.datname = current_database();
    update artery.arming as a
    set row_xid = a.xmin::text::bigint
    where true;

    -- artery migrate shows warnings alone
    if not v_armed then
        raise warning 'This database sends nothing until `artery arm`: by its looks it is a copy'
            using hint = 'docs/backup.md says how copies are told apart.';
    elsif not v_fresh then
        raise notice 'This database may send, copies of it may not, until `artery arm`: docs/backup.md.';
    end if;
    if v_armed and exists (select from pg_catalog.pg_stat_replication) then
        raise warning 'A standby follows: once promoted, it sends nothing until `artery arm`'
            using hint = 'Shall it go on by itself: artery arm --follow-promotion (docs/backup.md).';
    end if;
end
$$;
