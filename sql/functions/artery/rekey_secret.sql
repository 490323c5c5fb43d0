create or replace function artery.rekey_secret(
    p_name text, p_version integer, p_old_key_id text, p_key_id text, p_ciphertext bytea
)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
with sealed as (
    update artery.system_vault as v
    set key_id = p_key_id, ciphertext = p_ciphertext
    where
        v.name = p_name
        and v.version = p_version
        and v.key_id = p_old_key_id
        and v.retired_at is null
    returning 1
)

select exists (select from sealed)
$function$;
comment on function artery.rekey_secret(text, integer, text, text, bytea) is
'Replaces the ciphertext of a version by the same secret under another key; false if it was '
'retired or rekeyed meanwhile';
grant execute on function artery.rekey_secret(text, integer, text, text, bytea) to artery_admin;
