-- Inlined into its callers: hence no search_path
create or replace function artery._download_verdict(p_kind text, p_error text)
returns jsonb
language sql
immutable
parallel safe
as $function$
select jsonb_build_object('error_kind', p_kind, 'error', p_error)
$function$;
comment on function artery._download_verdict(text, text) is 'Why a file is not taken, as a report says it';

-- RFC 6266: filename* in UTF-8 comes first; plain filename often is UTF-8, though read as Latin-1
create or replace function artery._file_name(p_disposition text, p_fallback text, p_kind text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_coded text := substring(p_disposition from '(?i)filename\*\s*=\s*UTF-8''[^'']*''([^;\s]+)');
    v_plain text := coalesce(
        substring(p_disposition from '(?i)filename\s*=\s*"((?:[^"\\]|\\.)*)"'),
        substring(p_disposition from '(?i)filename\s*=\s*([^;\s"]+)')
    );
    v_name text := v_plain;
begin
    begin
        v_name := convert_from(case
            when v_coded is null then convert_to(v_plain, 'LATIN1')
            else (
                select string_agg(case
                    when length(m.found[1]) = 3 then decode(substr(m.found[1], 2), 'hex')
                    else convert_to(m.found[1], 'UTF8')
                end, '' order by m.position)
                from regexp_matches(v_coded, '%[0-9A-Fa-f]{2}|.', 'g') with ordinality as m (found, position)
            )
        end, 'UTF8');
    exception when data_exception then
        v_name := v_plain;
    end;
    -- whatever the receiver says, a name is no path
    v_name := regexp_replace(coalesce(v_name, ''), '^.*[/\\]', '');
    v_name := left(btrim(regexp_replace(v_name, '[[:cntrl:]<>:"|?*]', '_', 'g'), ' .'), 200);
    if v_name <> '' then
        return v_name;
    end if;
    return left(regexp_replace(p_fallback, '[^[:alnum:]._-]', '_', 'g'), 190)
        || case p_kind when 'any' then '' else '.' || p_kind end;
end
$function$;
comment on function artery._file_name(text, text, text) is
'A harmless file name, from a Content-Disposition header if it gives one';
