create or replace function artery_procurement._instant(p_text text)
returns timestamptz
language plpgsql
stable
strict
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_text !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$' then
        return null;
    end if;
    return p_text::timestamptz;
exception when datetime_field_overflow or invalid_datetime_format then
    return null;
end
$function$;
comment on function artery_procurement._instant(text) is
'An ISO 8601 time with its offset from UTC; null for anything else';
revoke execute on function artery_procurement._instant(text) from public;

create or replace function artery_procurement._day(p_text text)
returns date
language plpgsql
stable
strict
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_text !~ '^\d{4}-\d\d-\d\d$' then
        return null;
    end if;
    return p_text::date;
exception when datetime_field_overflow or invalid_datetime_format then
    return null;
end
$function$;
comment on function artery_procurement._day(text) is 'An ISO 8601 date; null for anything else';
revoke execute on function artery_procurement._day(text) from public;

-- A regular expression first: numeric takes NaN, and 1e131071 is a number of 131,072 digits.
-- Inlined into its callers: hence no search_path.
create or replace function artery_procurement._number(p_text text)
returns numeric
language sql
immutable
parallel safe
as $function$
select case when p_text ~ '^[0-9]{1,15}(\.[0-9]{1,8})?$' then trim_scale(p_text::numeric) end
$function$;
comment on function artery_procurement._number(text) is
'A decimal number, not negative, of 15 digits and 8 decimals at most; null for anything else';
revoke execute on function artery_procurement._number(text) from public;
