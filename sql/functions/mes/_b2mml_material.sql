-- The property Indice is the line's number, as the same material may be on several lines
create or replace function artery_mes._b2mml_value(
    p_element text, p_id text, p_value text, p_type text
)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select artery_mes._xml(p_element, artery_mes._xml('ID', p_id) || artery_mes._xml(
    'Value', artery_mes._xml('ValueString', artery_mes._xml_text(p_value))
    || artery_mes._xml('DataType', p_type) || '<UnitOfMeasure/>'
))
where p_value is not null
$function$;

create or replace function artery_mes._b2mml_material(
    p_new boolean, p_id text, p_item text, p_name text, p_use text, p_location text,
    p_quantity text, p_unit text, p_line integer
)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select artery_mes._xml(
    'MaterialRequirement',
    case when p_new then artery_mes._xml('ID', p_id) else '' end
    || artery_mes._xml('MaterialDefinitionID', artery_mes._xml_text(p_item))
    || coalesce(artery_mes._xml('Description', artery_mes._xml_text(p_name)), '')
    || case when p_new then artery_mes._xml('MaterialUse', p_use) else '' end
    || case
        when p_location is null then ''
        when p_new then artery_mes._xml('StorageLocation', artery_mes._xml(
            'Location', artery_mes._xml_text(p_location)
        ) || '<LocationType>Operational Location</LocationType>')
        else artery_mes._xml('Location', artery_mes._xml('EquipmentID', artery_mes._xml_text(p_location))
            || '<EquipmentElementLevel>WorkCell</EquipmentElementLevel>')
    end
    || case when p_new then '' else artery_mes._xml('MaterialUse', p_use) end
    || artery_mes._xml('Quantity', artery_mes._xml('QuantityString', p_quantity)
        || '<DataType>decimal</DataType>' || artery_mes._xml('UnitOfMeasure', artery_mes._xml_text(p_unit)))
    || coalesce(artery_mes._b2mml_value(
        'MaterialRequirementProperty', 'Indice', lpad(p_line::text, 4, '0'), 'integer'
    ), '')
)
$function$;

comment on function artery_mes._b2mml_value(text, text, text, text) is 'A named value; null where it is';
comment on function artery_mes._b2mml_material(
    boolean, text, text, text, text, text, text, text, integer
) is
'A material that is produced or consumed, in the order of elements of V0700 (p_new) or V0401';
