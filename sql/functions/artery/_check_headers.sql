create or replace function artery._check_headers(p_headers jsonb, p_where text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_bad text;
begin
    if jsonb_typeof(p_headers) <> 'object' then
        v_bad := 'no object';
    else
        select string_agg(h.name, ', ')
        into v_bad
        from jsonb_each(p_headers) as h (name, value)
        where
            h.name !~ '^[A-Za-z0-9!#$%&''*+.^_`|~-]+$'
            or jsonb_typeof(h.value) <> 'string'
            or h.value #>> '{}' ~ '[[:cntrl:]]';
    end if;
    if v_bad is not null then
        raise exception using
            errcode = 'IN014',
            message = format('%s: bad headers', p_where),
            detail = format('Bad: %L.', v_bad),
            hint = 'Give {"name": "value"}: names of RFC 9110, values of one line each.';
    end if;

    if exists (
        select from jsonb_object_keys(p_headers) as h (name)
        where lower(h.name) in ('authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'api-key')
    ) then
        raise exception using
            errcode = 'IN008',
            message = format('%s: the headers hold a credential', p_where),
            detail = 'A secret may stand in no table; the value given is not shown here.',
            hint = 'Use auth_kind and secret_ref (vault:NAME or env:NAME) of the endpoint.';
    end if;
end
$function$;
comment on function artery._check_headers(jsonb, text) is
'Raises IN014 unless these can be request headers, IN008 if one is a credential';
grant execute on function artery._check_headers(jsonb, text) to artery_admin;
