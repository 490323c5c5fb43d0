/* A trigger rather than CHECKs for what could be a secret: a failed CHECK writes the whole row
   into the server's log. */
create or replace function artery.endpoint_validate()
returns trigger
language plpgsql
volatile
set search_path = ''
as $function$
declare
    v_literal text;
begin
    if new.base_url !~* '^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?/v[0-9]+(\.[0-9]+)*(/[^?#[:space:]]*)?$' then
        raise exception using
            errcode = 'IN007',
            message = format('base URL of endpoint %L carries no version, or is no plain http(s) URL', new.name),
            detail = 'Needed: http or https, host, a path with a version segment; no user, password, query or fragment.',
            hint = 'Write it like https://mes.example/api/v1: an upgrade on the other side must not change what we call.';
    end if;
    select string_agg(r.name, ', ')
    into v_literal
    from (values ('secret_ref', new.secret_ref), ('signing_ref', new.signing_ref)) as r (name, ref)
    where r.ref !~ '^(vault|env):[A-Za-z_][A-Za-z0-9_.-]{0,62}$';
    if v_literal is not null then
        raise exception using
            errcode = 'IN008',
            message = format('%s of endpoint %L: not a reference', v_literal, new.name),
            detail = 'A secret may stand in no table; the value given is not shown here.',
            hint = 'Store the secret under a name and refer to it: vault:NAME or env:NAME.';
    end if;
    if (new.auth_kind <> 'none') <> (new.secret_ref is not null) then
        raise exception using
            errcode = 'IN014',
            message = format('endpoint %L: auth_kind and secret_ref do not fit', new.name),
            detail = format('auth_kind %L, secret_ref %s.', new.auth_kind, case when new.secret_ref is null then 'missing' else 'given' end),
            hint = 'Each auth_kind but none needs a secret_ref; none takes none.';
    end if;
    perform artery._check_headers(new.headers, format('endpoint %L', new.name));

    if tg_op = 'UPDATE' then
        -- a secret is bound to the address it was given for
        if new.base_url <> old.base_url
            and (new.secret_ref = old.secret_ref or new.signing_ref = old.signing_ref)
        then
            if new.secret_ref = old.secret_ref then
                new.auth_kind := 'none';
                new.secret_ref := null;
            end if;
            if new.signing_ref = old.signing_ref then
                new.signing_ref := null;
            end if;
            new.enabled := false;
            raise warning using
                message = format('endpoint %L: its secrets were dropped with its base URL, and the endpoint disabled', new.name),
                hint = 'Set auth_kind, secret_ref and signing_ref again for the new address, and enable it.';
        end if;
        new.version := old.version + 1;
        new.updated_at := clock_timestamp();
    end if;
    return new;
end
$function$;
comment on function artery.endpoint_validate() is
'Refuses unversioned URLs (IN007) and literal secrets (IN008); raises the version that runners '
'cache by';

create or replace trigger endpoint_validate
before insert or update on artery.endpoint
for each row
execute function artery.endpoint_validate();
comment on trigger endpoint_validate on artery.endpoint is
'Refuses what may not stand there; raises the version';
