/* What a browser is sent to. Printable ASCII of RFC 3986 alone, so no backslash, blank or control
   character that a browser reads otherwise than we do; no user:password@; no dot segment that would
   step out of an allowed path. http only to this machine, for trials. */
create or replace function artery_procurement._url_problem(p_url text, p_allowed text[])
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_form constant text := '^(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[::1\])(?::([0-9]{1,5}))?(/[^?#]*)?(\?[^#]*)?(#.*)?$';
    v_parts text[];
    v_origin text;
    v_path text;
begin
    if p_url is null then
        return 'is missing';
    end if;
    if length(p_url) > 2000 or p_url collate "C" !~ '^[A-Za-z0-9._~:/?#@!$&''()*+,;=%[\]-]+$' then
        return 'is longer than 2000 characters, or holds some that no URL may';
    end if;
    v_parts := regexp_match(lower(split_part(p_url, '/', 1) || '//' || split_part(p_url, '/', 3))
        || substr(p_url, length(split_part(p_url, '/', 1)) + length(split_part(p_url, '/', 3)) + 3), c_form);
    if v_parts is null then
        return 'is no absolute https URL of host, port, path, query';
    end if;
    if v_parts[1] = 'http' and v_parts[2] not in ('127.0.0.1', 'localhost', '[::1]') then
        return 'is not https';
    end if;
    v_path := coalesce(v_parts[4], '/');
    if v_path ~* '(^|/|%2f)(\.|%2e){1,2}(/|%2f|$)' or v_path ~* '%5c|%2f' then
        return 'has . or .. or an encoded slash in its path';
    end if;
    if p_allowed is null then
        return null;
    end if;

    v_origin := v_parts[1] || '://' || v_parts[2]
        || coalesce(':' || nullif(nullif(v_parts[3], case v_parts[1] when 'https' then '443' else '80' end), ''), '');
    if exists (
        select from unnest(p_allowed) as a (url)
        cross join lateral regexp_match(rtrim(a.url, '/'), '^([A-Za-z]+://[^/?#]+)(/.*)?$') as m (parts)
        where
            regexp_replace(lower(m.parts[1]), '^(https://.*):443$|^(http://.*):80$', '\1\2') = v_origin
            and (coalesce(m.parts[2], '') = '' or v_path = m.parts[2] or starts_with(v_path, m.parts[2] || '/'))
    ) then
        return null;
    end if;
    return 'is not below any of allowed_urls';
end
$function$;
comment on function artery_procurement._url_problem(text, text[]) is
'What keeps a URL from being given to a browser, null = nothing; p_allowed null = any place will do';
grant execute on function artery_procurement._url_problem(text, text[]) to artery_admin;
