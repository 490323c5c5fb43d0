/* A trigger rather than CHECKs for what could be a secret: a failed CHECK writes the whole row
   into the server's log. */
create or replace function artery.endpoint_validate()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_dropped text[];
begin
    if new.base_url !~* '^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?/v[0-9]+(\.[0-9]+)*(/[^?#[:space:]]*)?$' then
        raise exception using
            errcode = 'IN007',
            message = format('base URL of endpoint %L carries no version, or is no plain http(s) URL', new.name),
            detail = 'Needed: http or https, host, a path with a version segment; no user, password, query or fragment.',
            hint = 'Write it like https://mes.example/api/v1: an upgrade on the other side must not change what we call.';
    end if;
    perform artery._check_headers(new.headers, format('endpoint %L', new.name));

    if tg_op = 'UPDATE' then
        -- a secret is bound to the address it was given for
        v_dropped := artery._moved_secrets(old, new);
        if cardinality(v_dropped) > 0 then
            if v_dropped && '{secret_ref,subject_ref}' then
                new.auth_kind := 'none';
                new.auth := null;
                new.secret_ref := null;
                new.subject_ref := null;
            end if;
            if 'signing_ref' = any(v_dropped) then
                new.signing_ref := null;
            end if;
            if 'client_cert_ref' = any(v_dropped) then
                new.client_cert_ref := null;
            end if;
            if 'proxy_ref' = any(v_dropped) then
                new.proxy_ref := null;
            end if;
            new.enabled := false;
            raise warning using
                message = format('endpoint %L: %s dropped with the address, and the endpoint disabled', new.name, array_to_string(v_dropped, ', ')),
                hint = 'Set auth_kind, auth and the references again for the new address, and enable it.';
        end if;
        if old.enabled and not new.enabled then
            perform pg_notify('artery_hold', new.id::text);
        end if;
        new.version := old.version + 1;
        new.updated_at := clock_timestamp();
    end if;
    return new;
end
$function$;
comment on function artery.endpoint_validate() is
'Refuses unversioned URLs (IN007); drops secrets whose address changed; raises the version that '
'runners cache by';

create or replace trigger endpoint_validate
before insert or update on artery.endpoint
for each row
execute function artery.endpoint_validate();
comment on trigger endpoint_validate on artery.endpoint is
'Refuses what may not stand there; raises the version';
