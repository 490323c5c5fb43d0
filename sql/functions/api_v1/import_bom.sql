create or replace function artery_api_v1.import_bom(jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging.receive(
    'artery_staging.plm_bom',
    case jsonb_typeof($1 -> 'source') when 'string' then $1 ->> 'source' end,
    case jsonb_typeof($1 -> 'message_id') when 'string' then $1 ->> 'message_id' end,
    $1
)
$function$;

comment on function artery_api_v1.import_bom(jsonb) is
'Imports bills of material: {"source", "message_id", "items", "boms" or "lines"}, as the schema plm_bom in '
'artery_staging.message_schema has it -> {"id", "status", "result" or "reasons"}. Whatever is wrong, the message is kept, '
'with all the reasons. Again: the same answer. Errors: 22004 no message, 23514 longer than 128 MiB';
grant execute on function artery_api_v1.import_bom(jsonb) to artery_app;

create or replace function artery_api_v1.import_bom_xml(text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging.receive('artery_staging.plm_bom', null, null, $1)
$function$;

comment on function artery_api_v1.import_bom_xml(text) is
'artery_api_v1.import_bom for XML (B2MML, the generic dialect, what artery_plm.xml_mapping has): source is the session''s '
'user, message_id the document''s SHA-256. Text, so that what is no XML is kept with its reason as well';
grant execute on function artery_api_v1.import_bom_xml(text) to artery_app;
