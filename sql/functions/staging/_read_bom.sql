create or replace function artery_staging._read_bom(
    p_message bigint, p_source text, p_body text, out reasons jsonb, out inclusive boolean
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_document jsonb;
    v_mapping text;
    v_schema jsonb;
    v_version text;
    v_said text;
begin
    select s.mapping, s.inclusive_ends
    into v_mapping, inclusive
    from artery_plm.bom_source as s
    where s.source = p_source;
    inclusive := coalesce(inclusive, false);
    reasons := '[]';
    begin
        if ltrim(left(p_body, 200), E' \t\r\n\ufeff') like '<%' then
            if p_body ~* '<!(DOCTYPE|ENTITY)' then
                reasons := jsonb_build_array(artery._reason(
                    'IN201', 'the XML has a document type declaration', 'Send it without <!DOCTYPE: entities are not taken.'
                ));
            elsif artery_plm._read_bom_xml(p_message, ltrim(p_body, E'\ufeff'), v_mapping) is null then
                reasons := jsonb_build_array(artery._reason(
                    'IN201', 'no mapping fits this XML',
                    'Add one to artery_plm.xml_mapping, and name it for the source in artery_plm.bom_source.'
                ));
            end if;
            return;
        end if;
        v_document := ltrim(p_body, E'\ufeff')::jsonb;
    exception when data_exception or program_limit_exceeded or feature_not_supported then
        get stacked diagnostics v_said = message_text;
        reasons := jsonb_build_array(artery._reason(
            'IN201', 'the message cannot be read: ' || v_said,
            'Send JSON (UTF-8, no NUL, no NaN), or well-formed XML to a PostgreSQL that was built with libxml.'
        ));
        return;
    end;

    v_version := coalesce(v_document ->> 'schema_version', '1');
    select m.schema
    into v_schema
    from artery_staging.message_schema as m
    where m.message_type = 'plm_bom' and m.version::text = v_version;
    select coalesce(jsonb_agg(artery._reason(
        'IN202', format('%s (%s)', e.message, e.keyword), 'The schema is in artery_staging.message_schema.', e.instance_path
    )), '[]')
    into reasons
    from artery.json_schema_errors(
        coalesce(v_schema, '{"properties": {"schema_version": false}}'), v_document
    ) as e;
    if reasons = '[]' then
        inclusive := coalesce((v_document ->> 'inclusive_ends')::boolean, inclusive);
        perform artery_plm._read_bom_json(p_message, v_document);
    end if;
end
$function$;
comment on function artery_staging._read_bom(bigint, text, text) is
'The rows of a message, JSON or XML, or the reasons why there are none; inclusive: its end dates are last days';
