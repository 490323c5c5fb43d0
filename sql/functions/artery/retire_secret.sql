create or replace function artery.retire_secret(p_name text, p_all boolean default false)
returns integer[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_newest integer;
    v_users text[];
    v_retired integer[];
begin
    select max(v.version)
    into v_newest
    from artery.system_vault as v
    where v.name = p_name and v.retired_at is null;
    if v_newest is null then
        raise exception using
            errcode = 'IN031',
            message = format('there is no live secret %L', p_name),
            detail = 'Either it was never stored, or all of its versions are retired.',
            hint = 'artery vault list shows all names.';
    end if;

    v_users := artery._reload_secret(p_name);
    if p_all and cardinality(v_users) > 0 then
        raise exception using
            errcode = 'IN033',
            message = format('secret %L is in use', p_name),
            detail = format('Endpoints: %s.', array_to_string(v_users, ', ')),
            hint = 'Let them refer to another secret first.';
    end if;

    with gone as (
        update artery.system_vault as v
        set retired_at = clock_timestamp(), ciphertext = null
        where v.name = p_name and v.retired_at is null and (p_all or v.version < v_newest)
        returning v.version
    )

    select coalesce(array_agg(g.version order by g.version), '{}') into v_retired from gone as g;
    return v_retired;
end
$function$;
comment on function artery.retire_secret(text, boolean) is
'Ends a rotation: erases all versions of a secret but the newest, or with p_all that too; gives '
'the versions erased. Errors: IN031 no such secret, IN033 endpoints refer to it';
grant execute on function artery.retire_secret(text, boolean) to artery_admin;
