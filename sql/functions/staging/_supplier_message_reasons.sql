create or replace function artery_staging._supplier_message_reasons(
    p_type text, p_source text, p_body jsonb
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_schema jsonb;
    v_reasons jsonb;
begin
    select m.schema
    into v_schema
    from artery_staging.message_schema as m
    where m.message_type = p_type and m.version::text = coalesce(p_body ->> 'schema_version', '1');
    select jsonb_agg(artery._reason(
        'IN605', format('%s (%s)', e.message, e.keyword), 'docs/suppliers.md has the form of a message.', e.instance_path
    ))
    into v_reasons
    from artery.json_schema_errors(
        coalesce(v_schema, '{"properties": {"schema_version": false}}'), p_body
    ) as e;
    return coalesce(v_reasons, case
        when artery_erp.clean_code(p_body ->> 'supplier') <> p_source then jsonb_build_array(artery._reason(
            'IN605', 'the message names another supplier than the one that sent it',
            'Leave "supplier" out, or send it as that supplier.', '/supplier'
        ))
    end);
end
$function$;
comment on function artery_staging._supplier_message_reasons(text, text, jsonb) is
'What is wrong in the form of a supplier''s message, by its schema; null = nothing';
revoke execute on function artery_staging._supplier_message_reasons(text, text, jsonb) from public;
