/* Each row as PostgreSQL writes it, hashed; the hashes are added up, so that neither the order of
   the rows nor the file that they were in between matters, and pieces can be added up by whoever
   reads in pieces. 128 bits of each SHA-256, as two numbers: twice the same row counts twice, which
   XOR would cancel. */
create or replace function artery.rows_digest(p_table regclass)
returns table (row_count bigint, low numeric, high numeric)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off
    -- regclass writes itself quoted
    execute format(
        $sql$
        select
            count(*),
            coalesce(sum(('x' || encode(substr(h.hash, 1, 8), 'hex'))::bit(64)::bigint), 0),
            coalesce(sum(('x' || encode(substr(h.hash, 9, 8), 'hex'))::bit(64)::bigint), 0)
        from (select sha256(convert_to((whole_row.*)::text, 'UTF8')) as hash from %s as whole_row) as h
        $sql$,
        p_table
    ) into row_count, low, high;
    return next;
end
$function$;
comment on function artery.rows_digest(regclass) is
'Counts a table''s rows and sums up their SHA-256, in two halves of 64 bits: the same for the same rows in any order. '
'Reads the whole table';
grant execute on function artery.rows_digest(regclass) to artery_reader;
