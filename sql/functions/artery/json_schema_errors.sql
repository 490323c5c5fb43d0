create or replace function artery.json_schema_errors(p_schema jsonb, p_document jsonb)
returns table (instance_path text, keyword text, message text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $function$
declare
    c_steps constant integer := 200000;
    v_index jsonb;
    v_errors jsonb;
    v_state text;
    v_message text;
    v_detail text;
begin
    if p_schema is null or p_document is null then
        return;
    end if;
    begin
        v_index := artery._json_schema_index(p_schema);
        -- evaluated elements are worth naming only to who asks for the others
        if strpos(p_schema::text, '"unevaluatedItems"') > 0 then
            v_index := v_index || '{"": true}';
        end if;
        v_errors := (artery._json_check(
            v_index, p_schema, p_document, '', 'artery:/', '{artery:/}', 0, c_steps
        )).errors;
    exception when program_limit_exceeded or data_exception then
        get stacked diagnostics
            v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail;
        v_errors := jsonb_build_array(jsonb_build_array(
            '', case when v_state like '54%' then '$limit' else '$schema' end, concat_ws(': ', v_message, nullif(v_detail, ''))
        ));
    end;

    return query
    select e.value ->> 0, e.value ->> 1, e.value ->> 2
    from jsonb_array_elements(v_errors) with ordinality as e (value, position)
    order by e.position
    limit 1000;
end
$function$;

comment on function artery.json_schema_errors(jsonb, jsonb) is
'What is wrong with a document by a JSON Schema (draft 2020-12): JSON Pointer into the document, keyword, message, a '
'row each, 1,000 at most; no row = valid. References stay within the schema; format and content keywords are '
'annotations. What cannot be decided in bounded work is told as keyword $limit, a schema that is none as $schema';
grant execute on function artery.json_schema_errors(jsonb, jsonb)
    to artery_app, artery_reader, artery_operator;
