create or replace function artery._drop_archived(p_id bigint)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $function$
declare
    v_name text;
    v_found boolean := false;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the name went through %I
    select a.partition
    into v_name
    from artery.partition_archive as a
    where a.id = p_id and a.status = 'verified'
    for update skip locked;
    if not found then
        return false;
    end if;
    select not c.relispartition
    into v_found
    from pg_catalog.pg_class as c
    where c.oid = to_regclass(v_name);
    if not coalesce(v_found, true) then
        raise exception using
            errcode = 'IN071',
            message = format('%s was archived and is a partition again', v_name),
            detail = 'What was written to it since is in no archive.',
            hint = format('Delete its row of artery.partition_archive (id %s); then it is archived anew.', p_id);
    end if;
    if v_found then
        execute 'drop table ' || v_name;
    end if;
    update artery.partition_archive as a
    set
        status = 'dropped',
        dropped_at = clock_timestamp()
    where a.id = p_id;
    return true;
end
$function$;
comment on function artery._drop_archived(bigint) is
'Drops the detached partition of a verified archive; false if another session does. Errors: IN071 it is attached, '
'55P03 somebody reads it';
