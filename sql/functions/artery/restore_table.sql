-- Invoker: whoever may create tables there. A type's name is read as one before it is executed
create or replace function artery.restore_table(p_table text, p_columns jsonb)
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_name text;
    v_columns text;
begin
    -- @plpgsql_check_options: security_warnings = off, performance_warnings = off
    -- names go through %I, types are read as regtype; volatile, though it cannot see that
    if array_length(parse_ident(p_table), 1) is distinct from 2 then
        raise exception using
            errcode = 'invalid_name',
            message = format('%s names no schema and table', p_table),
            detail = 'The table is made anew; it must not be there.',
            hint = 'Give SCHEMA.TABLE, in a schema of your own.';
    end if;
    select string_agg(format('%I %s', c.value ->> 'name', c.value ->> 'type'), ', ' order by c.ordinality)
    into v_columns
    from jsonb_array_elements(p_columns) with ordinality as c
    where (c.value ->> 'type')::regtype is not null;
    v_name := format('%I.%I', (parse_ident(p_table))[1], (parse_ident(p_table))[2]);
    execute format('create table %s (%s)', v_name, v_columns);
    return v_name;
end
$function$;
comment on function artery.restore_table(text, jsonb) is
'Makes a table for what comes back from an archive, of the columns in its manifest; gives its quoted name. Errors: '
'42602 the name, 42P07 it is there, 42704 a type that this database does not have';
grant execute on function artery.restore_table(text, jsonb) to artery_reader;
