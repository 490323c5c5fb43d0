-- Of a saga's step: undo_function = 'artery_api_v1.undo_production_report(jsonb)'
create or replace function artery_api_v1.undo_production_report(p_input jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_named constant jsonb := case
        when p_input -> 'result' ? 'report_id' then p_input -> 'result'
        when p_input -> 'context' ? 'report_id' then p_input -> 'context'
        else p_input
    end;
    v_answer jsonb;
begin
    v_answer := artery_api_v1.reverse_production_report(jsonb_build_object(
        'source', v_named ->> 'source', 'report_id', v_named ->> 'report_id', 'reason', 'saga undone'
    ));
    if v_answer ->> 'status' = 'processed' then
        return v_answer -> 'result';
    end if;

    raise exception using
        errcode = 'IN312',
        message = format('production report %s cannot be taken back', coalesce(v_named ->> 'report_id', '(none named)')),
        detail = coalesce((
            select string_agg(r.value ->> 'message', '; ')
            from jsonb_array_elements(v_answer -> 'reasons') as r (value)
        ), 'No reason was given.'),
        hint = coalesce(
            v_answer -> 'reasons' -> 0 ->> 'hint', 'Its message in artery_staging.mes_production_report has the reasons.'
        );
end
$function$;
comment on function artery_api_v1.undo_production_report(jsonb) is
'Compensation of a saga''s step: takes the report back that the step''s result names, or its context, by report_id '
'and source; again: nothing more. Errors: IN312 it cannot be taken back, why in the detail';
grant execute on function artery_api_v1.undo_production_report(jsonb) to artery_app;
