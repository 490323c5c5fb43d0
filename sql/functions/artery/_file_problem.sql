/* Whether bytes are the beginning, or the end, of a file of this kind. A PDF ends with %%EOF within
   its last 1024 bytes, an OFD is a ZIP whose directory (at its end) names OFD.xml, an XML document
   begins with its prolog or an element (no HTML: that is how a server says that it has no file). */
create or replace function artery._file_problem(p_kind text, p_head bytea, p_tail bytea)
returns text
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select case
    when p_kind = 'pdf' and p_head is not null and substr(p_head, 1, 5) <> '%PDF-'::bytea
        then 'it does not begin with %PDF-'
    when p_kind = 'ofd' and p_head is not null and substr(p_head, 1, 4) <> '\x504b0304'::bytea
        then 'it does not begin as a ZIP does'
    when p_kind = 'xml' and encode(substr(p_head, 1, 200), 'escape')
        !~ '^(\\357\\273\\277|\\376\\377\\000|\\377\\376)?\s*<[?!A-Za-z_\\]'
        or p_kind = 'xml' and encode(substr(p_head, 1, 200), 'escape') ~* '<(!doctype +)?html'
        then 'it does not begin as an XML document does'
    when p_kind = 'pdf' and position('%%EOF'::bytea in substr(p_tail, greatest(octet_length(p_tail) - 1023, 1))) = 0
        then 'it does not end with %%EOF: the end is missing'
    when p_kind = 'ofd' and (position('\x504b0506'::bytea in p_tail) = 0 or position('OFD.xml'::bytea in p_tail) = 0)
        then 'it does not end with a ZIP directory that names OFD.xml'
    when p_kind = 'xml' and encode(substr(p_tail, greatest(octet_length(p_tail) - 99, 1)), 'escape') !~ '>(\\000|\s)*$'
        then 'it does not end with >: the end is missing'
end
$function$;
comment on function artery._file_problem(text, bytea, bytea) is
'What speaks against bytes being the beginning (p_head) or end (p_tail) of a file of this kind; null = nothing';
