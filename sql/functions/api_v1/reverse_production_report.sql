create or replace function artery_api_v1.reverse_production_report(jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging.receive(
    'artery_staging.mes_production_report',
    $1 ->> 'source',
    'reversal:' || ($1 ->> 'report_id'),
    jsonb_build_object('kind', 'reversal', 'reverses', $1 ->> 'report_id', 'reason', $1 ->> 'reason')
)
$function$;
comment on function artery_api_v1.reverse_production_report(jsonb) is
'Takes a posted report back: {"source", "report_id", "reason"} -> {"id", "status", "result" or "reasons"}; parked = '
'waits until what was made is back. Again: the first answer';
grant execute on function artery_api_v1.reverse_production_report(jsonb) to artery_app;
