-- By hand, as a server built without libxml has no XML functions
create or replace function artery_mes._xml_text(p_text text)
returns text
language sql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select replace(replace(replace(
    -- what XML 1.0 cannot hold at all
    regexp_replace(p_text, '[\x01-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]', '', 'g'),
    '&', '&amp;'), '<', '&lt;'), '>', '&gt;')
$function$;

create or replace function artery_mes._xml(p_name text, p_content text)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select coalesce('<' || p_name || '>' || nullif(p_content, '') || '</' || p_name || '>', '')
$function$;

comment on function artery_mes._xml_text(text) is 'Text as it stands within an element';
comment on function artery_mes._xml(text, text) is
'An element around content that is XML already; nothing, where there is no content';
