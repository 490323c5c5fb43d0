/* A trigger, not CHECKs: a failed CHECK writes the whole row into the server's log. */
create or replace function artery.endpoint_check_auth()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_literal text;
    v_problems text;
begin
    select string_agg(r.name, ', ')
    into v_literal
    from (
        values
        ('secret_ref', new.secret_ref), ('signing_ref', new.signing_ref),
        ('subject_ref', new.subject_ref), ('client_cert_ref', new.client_cert_ref),
        ('proxy_ref', new.proxy_ref)
    ) as r (name, ref)
    where r.ref !~ '^(vault|env):[A-Za-z_][A-Za-z0-9_.-]{0,62}$';
    if v_literal is not null then
        raise exception using
            errcode = 'IN008',
            message = format('%s of endpoint %L: not a reference', v_literal, new.name),
            detail = 'A secret may stand in no table; the value given is not shown here.',
            hint = 'Store the secret under a name and refer to it: vault:NAME or env:NAME.';
    end if;
    if new.proxy_url like '%@%' or new.ca_bundle like '%PRIVATE KEY%'
        or new.auth::text ~ 'PRIVATE KEY|"eyJ|"whsec_|://[^/"]*@'
        or jsonb_path_exists(
            new.auth,
            '$.keyvalue().key ? (@ like_regex "secret|password|private|assertion$|_key$|^key$|token$" flag "i")',
            '{}', true
        )
        -- the key itself, in the header that the reference is for
        or lower(new.auth ->> 'header') in (
            select lower(h.name)
            from jsonb_object_keys(case jsonb_typeof(new.headers) when 'object' then new.headers else '{}' end) as h (name)
        )
    then
        raise exception using
            errcode = 'IN008',
            message = format('auth, headers, ca_bundle or proxy_url of endpoint %L: a secret', new.name),
            detail = 'A secret may stand in no table; the value given is not shown here.',
            hint = 'Secrets go by reference, vault:NAME or env:NAME: secret_ref, subject_ref, client_cert_ref, proxy_ref.';
    end if;

    if new.auth_kind not in (
        'none', 'api_key', 'basic', 'bearer', 'client_credentials', 'jwt_bearer', 'token_exchange'
    ) then
        return new;  -- a CHECK refuses it
    end if;
    select string_agg(p.problem, '; ') into v_problems from artery._auth_problems(new) as p (problem);
    if v_problems is not null then
        raise exception using
            errcode = 'IN014',
            message = format('endpoint %L: its authentication does not fit together', new.name),
            detail = format('auth_kind %s: %s.', new.auth_kind, v_problems),
            hint = 'docs/authentication.md has an example of each kind.';
    end if;
    return new;
end
$function$;
comment on function artery.endpoint_check_auth() is
'Refuses a secret in clear (IN008), and authentication that does not fit together (IN014), all of '
'its problems at once';

create or replace trigger endpoint_check_auth
before insert or update on artery.endpoint
for each row
execute function artery.endpoint_check_auth();
comment on trigger endpoint_check_auth on artery.endpoint is
'Refuses authentication that does not fit together; before the others, by its name';
