/* What a secret is bound to must be known before it is sealed, outside the database. Without
   p_endpoint a rotation keeps the endpoint that the newest version is bound to. */
create or replace function artery.secret_slot(p_name text, p_endpoint text default null)
returns table (version integer, live integer, endpoint_id integer, endpoint text, base_url text)
language plpgsql
stable
security definer
rows 1
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_newest record;
    v_endpoint record;
begin
    if p_name is null or p_name !~ '^[A-Za-z_][A-Za-z0-9_.-]{0,62}$' then
        raise exception using
            errcode = 'IN014',
            message = 'this cannot be the name of a secret',
            detail = 'What was given is not shown: it might be the secret itself.',
            hint = 'Up to 63 letters, digits, "_", "." and "-", beginning with a letter or "_".';
    end if;

    select
        v.version,
        v.endpoint_id,
        v.base_url,
        v.retired_at
    into v_newest
    from artery.system_vault as v
    where v.name = p_name
    order by v.version desc
    limit 1;

    select
        e.id,
        e.name,
        artery._secret_address(e, p_name) as base_url
    into v_endpoint
    from artery.endpoint as e
    where e.id = case
        when p_endpoint is not null then artery._endpoint_id(p_endpoint)
        when v_newest.retired_at is null then v_newest.endpoint_id
    end;

    if p_endpoint is null and v_endpoint.base_url <> v_newest.base_url then
        raise exception using
            errcode = 'IN034',
            message = format('endpoint %L has another address than when secret %L was bound to it', v_endpoint.name, p_name),
            detail = format('Bound to %s; now %s.', v_newest.base_url, v_endpoint.base_url),
            hint = 'If the new address may have the secret, name the endpoint: --endpoint.';
    end if;

    return query select
        coalesce(v_newest.version, 0) + 1,
        case when v_newest.retired_at is null then v_newest.version end,
        v_endpoint.id,
        v_endpoint.name,
        v_endpoint.base_url;
end
$function$;
comment on function artery.secret_slot(text, text) is
'What the next version of a secret will be: its number, the live one before it (null = none), the '
'endpoint and base URL it is bound to. Errors: IN014 bad name, IN034 the address has changed, '
'42704 no such endpoint';
grant execute on function artery.secret_slot(text, text) to artery_admin;
