create or replace function artery_api_v1.release_mo(jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_mo_no text := artery_erp.clean_code(
        case jsonb_typeof($1 -> 'mo_no') when 'string' then $1 ->> 'mo_no' end
    );
begin
    if v_mo_no is null then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = 'mo_no is missing, or not a string',
            detail = format('Got %s.', left($1::text, 200)),
            hint = 'Send {"mo_no": "MO-1001"}.';
    end if;

    perform artery_erp.release_manufacturing_order(v_mo_no);
    -- the first dispatch is the release's: a repeated call gets the first answer
    return (
        select jsonb_build_object(
            'mo_no', d.mo_no,
            'version', d.version,
            'task_id', d.task_id,
            'request_id', d.request_id
        )
        from artery_mes.mo_dispatch as d
        where d.mo_no = v_mo_no
        order by d.version
        limit 1
    );
end
$function$;

comment on function artery_api_v1.release_mo(jsonb) is
'Releases a manufacturing order: {"mo_no"} -> {"mo_no", "version", "task_id", "request_id"}; the ids are null '
'where no MES is set up. Again: the same answer. Errors: IN101, IN102, IN104, IN105 it cannot be built; '
'IN103 it is cancelled or done; IN106 no such order; 22023 bad argument';
grant execute on function artery_api_v1.release_mo(jsonb) to artery_app;
