/* The same as the JSON message, made of it, as B2MML: a production schedule (V0401) or an
   operations schedule (V0700). One request is one order: a segment for all of it, with what is
   produced and what is consumed without an operation; in it a segment for each operation. The
   element order is that of MESA's schemas; their use is by courtesy of MESA International. */
create or replace function artery_mes.b2mml_schedule(
    p_payload jsonb, p_format text, p_sender text, p_message_id uuid
)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $function$
declare
    v_new constant boolean := p_format = 'b2mml_v0700';
    v_kind constant text := case when v_new then 'Operations' else 'Production' end;
    v_verb constant text := case when p_payload ->> 'action' = 'cancel' then 'Cancel' else 'Sync' end;
    v_parameter constant text := case when v_new then 'SegmentParameter' else 'Parameter' end;
    v_version constant text := p_payload ->> 'version';
    v_operations text;
    v_direct text;
    v_segment text;
begin
    with components as (
        select
            (c.line ->> 'operation_no')::integer as operation_no,
            string_agg(artery_mes._b2mml_material(
                v_new, lpad(c.line ->> 'line_no', 4, '0'), c.line ->> 'item', c.line ->> 'name', 'Consumed',
                c.line ->> 'location', c.line ->> 'required', c.line ->> 'unit', (c.line ->> 'line_no')::integer
            ), '' order by (c.line ->> 'line_no')::integer) as materials
        from jsonb_array_elements(coalesce(p_payload -> 'components', '[]')) as c (line)
        group by 1
    ),

    operations as (
        select
            o.operation ->> 'operation_no' as operation_no,
            coalesce(o.operation ->> 'name', o.operation ->> 'operation_no') as name,
            artery_mes._b2mml_value(v_parameter, 'Center', o.operation ->> 'work_center', 'Text') as center,
            c.materials
        from jsonb_array_elements(coalesce(p_payload -> 'operations', '[]')) as o (operation)
        left join components as c on c.operation_no = (o.operation ->> 'operation_no')::integer
    )

    select
        string_agg(
            artery_mes._xml(
                case when v_new then 'SegmentRequirementChild' else 'SegmentRequirement' end,
                artery_mes._xml('ID', lpad(o.operation_no, 4, '0'))
                || artery_mes._xml('ProcessSegmentID', artery_mes._xml_text(o.name))
                || case
                    when v_new then artery_mes._xml('OperationsDefinitionID', artery_mes._xml_text(o.name))
                        || artery_mes._xml('OperationsSegmentID', lpad(o.operation_no, 4, '0'))
                        || coalesce(o.center, '')
                    else artery_mes._xml('ProductionParameter', o.center)
                end
                || coalesce(o.materials, '')
            ), '' order by o.operation_no::integer
        ),
        (select c.materials from components as c where c.operation_no is null)
    into v_operations, v_direct
    from operations as o;

    v_segment := artery_mes._xml(
        'SegmentRequirement',
        '<ID>0010</ID>'
        || case
            when v_new then artery_mes._xml('ProcessSegmentID', artery_mes._xml_text(p_payload #>> '{item,code}'))
                || artery_mes._xml('OperationsDefinitionID', artery_mes._xml_text(
                    concat_ws(':', p_payload #>> '{item,code}', p_payload #>> '{item,bom_revision}')
                ))
                || '<OperationsSegmentID>0010</OperationsSegmentID>'
            else (
                select string_agg(artery_mes._xml('ProductionParameter', artery_mes._b2mml_value(
                    'Parameter', p.id, p.value, 'Text'
                )), '')
                from (values ('Version', v_version), ('Status', p_payload ->> 'status')) as p (id, value)
            )
        end
        || artery_mes._b2mml_material(
            v_new, '0000', p_payload #>> '{item,code}', p_payload #>> '{item,name}', 'Produced',
            p_payload #>> '{location,receive}', p_payload ->> 'quantity', p_payload ->> 'unit', null
        )
        || coalesce(v_direct, '') || coalesce(v_operations, '')
    );

    return '<?xml version="1.0" encoding="UTF-8"?>' || format(
        '<%1$s%2$sSchedule releaseID="" xmlns="%3$s">',
        v_verb, v_kind,
        case when v_new then 'http://www.mesa.org/xml/B2MML' else 'http://www.wbf.org/xml/B2MML-V0401' end
    ) || artery_mes._xml('ApplicationArea',
        artery_mes._xml('Sender', artery_mes._xml('LogicalID', artery_mes._xml_text(p_sender)))
        || artery_mes._xml('CreationDateTime', to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        || artery_mes._xml('BODID', p_message_id::text)
    ) || artery_mes._xml('DataArea', format('<%s/>', v_verb) || artery_mes._xml(v_kind || 'Schedule',
        case when v_new then artery_mes._xml('ID', p_payload ->> 'mo_no')
            || '<OperationsType>Production</OperationsType>' else '' end
        || artery_mes._xml(v_kind || 'Request',
            artery_mes._xml('ID', p_payload ->> 'mo_no')
            || case when v_new then artery_mes._xml('Version', v_version) else '' end
            || coalesce(artery_mes._xml('StartTime', p_payload ->> 'planned_start'), '')
            || coalesce(artery_mes._xml('EndTime', p_payload ->> 'planned_end'), '')
            || case when v_new then '<OperationsType>Production</OperationsType>' else '' end
            || coalesce(artery_mes._xml('Priority', p_payload ->> 'priority'), '')
            || case when v_new then artery_mes._xml('RequestState', case p_payload ->> 'status'
                when 'held' then 'Held'
                when 'cancelled' then 'Cancelled'
                when 'in_progress' then 'Running'
                else 'Released'
            end) else '' end
            || v_segment
        )
    )) || format('</%s%sSchedule>', v_verb, v_kind);
end
$function$;

comment on function artery_mes.b2mml_schedule(jsonb, text, text, uuid) is
'A message of artery_mes.mo_payload as B2MML: p_format b2mml_v0401 or b2mml_v0700';
revoke execute on function artery_mes.b2mml_schedule(jsonb, text, text, uuid) from public;
