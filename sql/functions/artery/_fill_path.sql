-- RFC 3986: everything but unreserved characters, byte by byte
create or replace function artery._percent_encode(p_text text)
returns text
language sql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(string_agg(
    case
        when chr(b.byte) ~ '[A-Za-z0-9._~-]' and b.byte < 128 then chr(b.byte)
        else '%' || upper(lpad(to_hex(b.byte), 2, '0'))
    end,
    '' order by b.position
), '')
from (
    select
        i.position,
        get_byte(convert_to(p_text, 'UTF8'), i.position) as byte
    from generate_series(0, octet_length(convert_to(p_text, 'UTF8')) - 1) as i (position)
) as b
$function$;
comment on function artery._percent_encode(text) is
'Percent-encodes a text for one segment or parameter of a URL';

create or replace function artery._fill_path(p_template text, p_params jsonb)
returns text
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_path text := p_template;
    v_name text;
begin
    for v_name in select m.found[1] from regexp_matches(p_template, '\{([a-z0-9_]+)\}', 'g') as m (found) loop
        if coalesce(p_params ->> v_name, '') = '' then
            raise exception using
                errcode = 'IN010',
                message = format('path parameter %L is missing', v_name),
                detail = format('Template %s, parameters %s.', p_template, coalesce(p_params, '{}')),
                hint = 'Give every {name} of the route''s path_template in p_path_params, none of them empty.';
        end if;
        v_path := replace(v_path, '{' || v_name || '}', artery._percent_encode(p_params ->> v_name));
    end loop;
    if v_path ~ '/\.{1,2}([/?]|$)' then
        raise exception using
            errcode = 'IN010',
            message = 'a path parameter must not be . or ..',
            detail = format('Template %s gave %s.', p_template, v_path),
            hint = 'The receiver would take it for a step up in the path, and answer for another address.';
    end if;
    return v_path;
end
$function$;
comment on function artery._fill_path(text, jsonb) is
'A route''s path template with its {names} filled, percent-encoded';
