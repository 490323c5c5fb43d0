/* What the MES is told: always the whole order as it now stands, so that the highest version alone
   says everything. Quantities are decimal strings: a reader that turns JSON numbers into binary
   floats would change them. Times are UTC. A cancellation carries no operations and components.
   Orders of an adopted ERP: artery_mes.adopted_document makes the same of the site's view. */
create or replace function artery_mes.mo_payload(p_mo_no text, p_action text default 'create')
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
begin
    return coalesce((
        select jsonb_build_object(
            'mo_no', mo.mo_no,
            'version', mo.version,
            'action', p_action,
            'status', mo.status,
            'item', jsonb_build_object('code', i.code, 'name', i.name, 'bom_revision', mo.bom_revision),
            'quantity', trim_scale(mo.quantity)::text,
            'unit', mo.unit,
            'planned_start', mo.planned_start,
            'planned_end', mo.planned_end,
            'priority', mo.priority,
            'location', jsonb_build_object('receive', mo.receive_warehouse, 'line', mo.line_warehouse)
        ) || case when p_action = 'cancel' then '{}' else jsonb_build_object(
            'operations', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'operation_no', o.operation_no,
                    'name', o.name,
                    'work_center', o.work_center,
                    'setup_minutes', trim_scale(o.setup_minutes)::text,
                    'run_minutes',
                    artery_erp.round_up(mo.quantity * o.run_minutes, o.base_quantity, false)::text
                ) order by o.operation_no), '[]')
                from artery_erp.manufacturing_order_operation as o
                where o.mo_no = mo.mo_no
            ),
            'components', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'line_no', l.line_no,
                    'bom_line', jsonb_build_object(
                        'item', b.item_code, 'revision', b.revision, 'line_no', l.bom_line_no
                    ),
                    'item', l.component_code,
                    'name', c.name,
                    'revision', l.component_revision,
                    'quantity', artery_erp.round_up(l.quantity, l.base_quantity, false)::text,
                    'required', l.required::text,
                    'unit', l.unit,
                    'issue_method', l.issue_method,
                    'operation_no', l.operation_no,
                    'location', coalesce(l.warehouse_code, mo.line_warehouse),
                    'lot_tracked', c.lot_tracked
                ) order by l.line_no), '[]')
                from artery_erp.manufacturing_order_line as l
                inner join artery_erp.item as c on c.code = l.component_code
                inner join artery_erp.bom as b on b.id = l.bom_id
                where l.mo_no = mo.mo_no
            )
        ) end
        from artery_erp.manufacturing_order as mo
        inner join artery_erp.item as i on i.code = mo.item_code
        where mo.mo_no = p_mo_no
    ), (
        select
            case when p_action = 'cancel' then o.told - array['operations', 'components'] else o.told end
            || jsonb_build_object('version', o.version, 'action', p_action)
        from artery_mes.adopted_order as o
        where o.mo_no = p_mo_no
    ));
end
$function$;

comment on function artery_mes.mo_payload(text, text) is
'The message that tells the MES of a manufacturing order: p_action create, change or cancel. A component''s '
'quantity is for one unit of the order, scrap included; required is for the whole of it';
grant execute on function artery_mes.mo_payload(text, text) to artery_reader;
