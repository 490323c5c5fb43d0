create or replace function artery._here(
    out database_oid bigint,
    out system_identifier bigint,
    out timeline integer,
    out port integer
)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- the path of a file of ours names the database: cheaper than looking it up
    database_oid := split_part(pg_catalog.pg_relation_filepath('artery.arming'::regclass), '/', -2)::bigint;
    timeline := ('x' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8))::bit(32)::integer;
    port := current_setting('port')::integer;
    if pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute') then
        system_identifier := (pg_catalog.pg_control_system()).system_identifier;
    end if;
end
$function$;
comment on function artery._here() is
'This database and server, as artery.arming has them; system_identifier is null where pg_control_system() is denied. Fails '
'on a standby, which has no timeline of its own';

/* Asked by every claim, so nothing here may be costly, and nothing is remembered between claims:
   what is remembered can be copied. Each fact tells another kind of copy apart. A row out of a dump
   was written by another transaction than the one it names (xmin keeps the number when it is
   frozen); a clone has another database oid; another cluster has another system identifier; a
   promoted copy writes another timeline; a copy of the files on the same machine has another port.
   All at once is asked first, at half the cost of finding out which.

   A standby that was promoted and a copy recovered to a moment look the same, but for the moment:
   the settings that name it are still there afterwards. */
create or replace function artery._arming_fault()
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_here record;
    v_fault text;
begin
    if pg_catalog.pg_is_in_recovery() then
        return 'standby';
    end if;
    if (
        select
            bool_and(
                a.armed
                and a.row_xid = a.xmin::text::bigint
                and a.database_oid
                = split_part(pg_catalog.pg_relation_filepath('artery.arming'::regclass), '/', -2)::bigint
                and a.timeline
                = ('x' || left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 8))::bit(32)::integer
                and a.port = current_setting('port')::integer
                and a.system_identifier = (pg_catalog.pg_control_system()).system_identifier
            )
        from artery.arming as a
        where pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')
    ) then
        return null;
    end if;
    v_here := artery._here();
    select
        case
            when count(*) = 0 then 'never'
            when bool_or(a.row_xid is distinct from a.xmin::text::bigint) then 'restored'
            when not bool_and(a.armed) then 'disarmed'
            when bool_or(a.database_oid <> v_here.database_oid) then 'cloned'
            when bool_or(a.system_identifier is distinct from v_here.system_identifier) then 'system'
            when
                bool_or(a.timeline > v_here.timeline)
                or bool_or(a.timeline < v_here.timeline and a.follow_promotion is not true)
                then 'timeline'
            when bool_or(a.timeline < v_here.timeline) then case
                when concat(
                    current_setting('recovery_target'), current_setting('recovery_target_lsn'),
                    current_setting('recovery_target_name'), current_setting('recovery_target_time'),
                    current_setting('recovery_target_xid')
                ) = '' then 'promoted'
                else 'recovered'
            end
            when bool_or(a.port <> v_here.port) then 'port'
        end
    into v_fault
    from artery.arming as a;
    return v_fault;
end
$function$;
comment on function artery._arming_fault() is
'Why this database may not send: never, restored, disarmed, cloned, system, timeline, recovered, port, standby; promoted = it '
'may, and is to be bound anew; null = it may';
