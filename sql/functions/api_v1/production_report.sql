create or replace function artery_api_v1.production_report(jsonb)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging.receive(
    'artery_staging.mes_production_report', $1 ->> 'source', $1 ->> 'report_id', $1
)
$function$;
comment on function artery_api_v1.production_report(jsonb) is
'Takes one production report (docs/backflush.md), posts it at once and answers {"id", "status", "result" or '
'"reasons"}. The same report again: the first answer';
grant execute on function artery_api_v1.production_report(jsonb) to artery_app;
