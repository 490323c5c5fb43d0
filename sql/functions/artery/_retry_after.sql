/* Retry-After is a number of seconds or an HTTP date in one of three forms (RFC 9110, 5.6.7): Sun,
   06 Nov 1994 08:49:37 GMT / Sunday, 06-Nov-94 08:49:37 GMT / Sun Nov 6 08:49:37 1994. */
create or replace function artery._retry_after(p_header text, p_now timestamptz)
returns interval
language plpgsql
stable
strict
parallel safe
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, MDY'
set timezone = 'UTC'
as $function$
declare
    v_text text := btrim(p_header);
    v_part text[];
    v_year integer;
    v_at timestamptz;
begin
    if v_text ~ '^[0-9]+$' then
        return make_interval(secs => case when length(v_text) > 9 then 999999999 else v_text::integer end);
    end if;

    v_part := regexp_match(v_text, '^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$');
    if v_part is null then
        v_part := regexp_match(v_text, '^[A-Z][a-z]+day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$');
        -- a two-digit year more than 50 years ahead lies in the past
        v_year := v_part[3]::integer + 100 * (extract(year from p_now)::integer / 100);
        v_part[3] := case when v_year > extract(year from p_now) + 50 then v_year - 100 else v_year end::text;
    end if;
    if v_part is null or v_part[1] is null then
        v_part := regexp_match(v_text, '^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$');
        v_part := array[v_part[2], v_part[1], v_part[4], v_part[3]];
    end if;
    if v_part[1] is null then
        return null;
    end if;

    v_at := (v_part[1] || ' ' || v_part[2] || ' ' || v_part[3] || ' ' || v_part[4])::timestamp at time zone 'UTC';
    return greatest(v_at - p_now, interval '0');
exception when data_exception then
    return null;
end
$function$;
comment on function artery._retry_after(text, timestamptz) is
'The wait that a Retry-After header asks for, seen from p_now; null where it is none of the forms '
'of RFC 9110';
