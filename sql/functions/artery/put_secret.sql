create or replace function artery._reload_secret(p_name text)
returns text[]
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
with told as (
    -- the trigger raises the version, and with it runners read endpoint and secret anew
    update artery.endpoint as e
    set updated_at = clock_timestamp()
    where 'vault:' || p_name in (
        e.secret_ref, e.signing_ref, e.subject_ref, e.client_cert_ref, e.proxy_ref
    )
    returning e.name
)

select coalesce(array_agg(t.name order by t.name), '{}') from told as t
$function$;
comment on function artery._reload_secret(text) is
'Makes runners read a secret anew before their next call; the endpoints that use it';

/* The live versions of a name are this one and the one before: calls under way still carry that,
   and a signature is made with both until it is retired. */
create or replace function artery.put_secret(
    p_name text,
    p_version integer,
    p_key_id text,
    p_ciphertext bytea,
    p_endpoint_id integer,
    p_base_url text
)
returns text[]
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_slot record;
begin
    select s.*
    into v_slot
    from artery.secret_slot(
        p_name, (select e.name from artery.endpoint as e where e.id = p_endpoint_id for share)
    ) as s;
    if p_version is distinct from v_slot.version
        or (p_endpoint_id, p_base_url) is distinct from (v_slot.endpoint_id, v_slot.base_url)
    then
        raise exception using
            errcode = 'IN032',
            message = format('secret %L was changed by somebody else at the same time', p_name),
            detail = format('Given for version %s; the next one is %s. Nothing was stored.', p_version, v_slot.version),
            hint = 'Look at artery vault list, and give the value again.';
    end if;

    begin
        insert into artery.system_vault (name, version, key_id, ciphertext, endpoint_id, base_url)
        values (p_name, p_version, p_key_id, p_ciphertext, p_endpoint_id, p_base_url);
    exception when unique_violation then
        raise exception using
            errcode = 'IN032',
            message = format('secret %L was changed by somebody else at the same time', p_name),
            detail = format('Version %s is there already. Nothing was stored.', p_version),
            hint = 'Look at artery vault list, and give the value again.';
    end;
    update artery.system_vault as v
    set retired_at = clock_timestamp(), ciphertext = null
    where v.name = p_name and v.version < p_version - 1 and v.retired_at is null;
    return artery._reload_secret(p_name);
end
$function$;
comment on function artery.put_secret(text, integer, text, bytea, integer, text) is
'Stores a sealed secret as its next version, retires all but the one before, and has runners read '
'it; gives the endpoints that use it. Errors: IN032 not the next version, or bound otherwise';
grant execute on function artery.put_secret(text, integer, text, bytea, integer, text)
to artery_admin;
