-- Inlined into their callers: hence no search_path
create or replace function artery_plm._code(p_text text)
returns text
language sql
immutable
parallel safe
as $function$
select nullif(btrim(
    case when octet_length(p_text) = length(p_text) then p_text else normalize(p_text, nfkc) end,
    E' \t\r\n'
), '')
$function$;
comment on function artery_plm._code(text) is
'A code as artery_erp.clean_code gives it; null if nothing is left';

-- 1e131071 is a number to jsonb, and 131,072 digits as text: looked at before it becomes text
create or replace function artery_plm._number_text(p_value jsonb)
returns text
language sql
immutable
parallel safe
as $function$
select case
    when
        jsonb_typeof(p_value) = 'number'
        and not (abs(p_value::numeric) < 1e20 and scale(p_value::numeric) <= 30)
        then 'a number out of all range'
    else left(p_value #>> '{}', 80)
end
$function$;
comment on function artery_plm._number_text(jsonb) is 'A JSON number, or number in a string, as text';

create or replace function artery_plm._is_number(p_text text)
returns boolean
language sql
immutable
parallel safe
as $function$
select
    p_text ~ '^[+-]?([0-9]{1,20}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?$'
$function$;
comment on function artery_plm._is_number(text) is
'Whether a text is a decimal number that is cast to numeric without harm';

create or replace function artery_plm._as_time(p_text text, p_end_inclusive boolean default false)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
begin
    if p_text !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?( ?(Z|[+-][0-9]{2}(:?[0-9]{2})?))?$' then
        return null;
    end if;
    return p_text::timestamptz + case when p_end_inclusive then interval '1 day' else interval '0' end;
exception when data_exception then
    return null;
end
$function$;
comment on function artery_plm._as_time(text, boolean) is
'An ISO 8601 date or time (UTC where it names no zone); null if it is none. With p_end_inclusive the moment a day '
'later: the end of a last day';
