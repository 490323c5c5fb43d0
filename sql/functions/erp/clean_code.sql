-- Inlined into its callers: hence no search_path.
create or replace function artery_erp.clean_code(p_code text)
returns text
language sql
immutable
strict
parallel safe
as $function$
select btrim(normalize(p_code, nfkc), E' \t\r\n')
$function$;

comment on function artery_erp.clean_code(text) is
'A code from outside as our tables write it: full-width forms folded (NFKC), trimmed. Whether it is a '
'good code the tables'' CHECKs say';
grant execute on function artery_erp.clean_code(text) to artery_app, artery_reader;
