create or replace function artery_api_v1.submit_ecn(jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging.receive(
    'artery_staging.plm_ecn', $1 ->> 'source', $1 ->> 'message_id', $1
)
$function$;

comment on function artery_api_v1.submit_ecn(jsonb) is
'An engineering change notice (docs/engineering-changes.md) -> {"id", "status": "processed", "result": {"eco_no", '
'"status", "boms"}} or {"id", "status": "rejected", "reasons"}. Again: the same answer';
grant execute on function artery_api_v1.submit_ecn(jsonb) to artery_app;
