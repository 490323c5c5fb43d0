-- The usual forms are known to be good by a look; only the others, and the 29th to 31st, are tried.
create or replace function artery_mes._instant(p_text text)
returns timestamptz
language plpgsql
stable
strict
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_text ~ '^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$' then
        return p_text::timestamptz;
    elsif p_text !~ '^20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$' then
        return null;
    end if;
    begin
        return p_text::timestamptz;
    exception when datetime_field_overflow or invalid_datetime_format then
        return null;
    end;
end
$function$;
comment on function artery_mes._instant(text) is
'An ISO 8601 time of this century with its offset from UTC; null for anything else';
revoke execute on function artery_mes._instant(text) from public;
