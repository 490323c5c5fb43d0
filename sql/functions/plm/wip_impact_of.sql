create or replace function artery_plm.wip_impact_of(p_eco_no text)
returns setof artery_plm.wip_impact
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if not exists (
        select from artery_erp.engineering_change_order as e where e.eco_no = p_eco_no
    ) then
        raise exception using
            errcode = 'IN256',
            message = format('there is no ECO %s', coalesce(p_eco_no, '(null)')),
            detail = 'No row of artery_erp.engineering_change_order has this number.',
            hint = 'Numbers are compared exactly, case included.';
    end if;

    return query
    select
        r.eco_no,
        r.item_code,
        r.line_no,
        r.action,
        r.component_code,
        r.object_kind,
        r.object_id,
        r.object_status,
        r.quantity,
        r.issued,
        r.unit,
        r.value,
        r.proposed,
        d.chosen,
        d.owner,
        d.executed_at,
        now()
    from artery_plm.impact_rows(p_eco_no) as r
    left join artery_plm.eco_disposition as d
        on
            d.eco_no = r.eco_no
            and d.item_code = r.item_code
            and d.line_no = r.line_no
            and d.object_kind = r.object_kind
            and d.object_id = r.object_id
    order by r.item_code, r.line_no, r.object_kind, r.object_id;
end
$function$;
comment on function artery_plm.wip_impact_of(text) is
'What an ECO hits, as of now: a row for each of its lines and affected object. Errors: IN256 no such ECO';
grant execute on function artery_plm.wip_impact_of(text) to artery_reader, artery_app;
