-- Inlined into its callers: hence no search_path. Called when the texts are known to be good
create or replace function artery_plm._bom_lines(p_message bigint, p_inclusive boolean)
returns table (
    bom integer, seq integer, path text, line_no integer, component text, component_revision text,
    quantity numeric, unit text, scrap_rate numeric, issue_method text, operation_no integer,
    operation_name text, phantom boolean, warehouse text, effectivity tstzrange,
    designators text[], substitutes jsonb
)
language sql
stable
rows 10000
as $function$
select
    r.bom,
    r.seq,
    r.path,
    coalesce(
        r.line_no::integer,
        coalesce(max(r.line_no::integer) over (partition by r.bom), 0)
        + 10 * row_number() over (partition by r.bom, r.line_no is null order by r.seq)
    )::integer,
    r.component,
    r.component_revision,
    r.quantity::numeric,
    coalesce(r.unit, i.stock_unit),
    coalesce(r.scrap_rate::numeric, 0),
    coalesce(r.issue_method, 'backflush'),
    r.operation_no::integer,
    r.operation_name,
    coalesce(r.phantom::boolean, false),
    r.warehouse,
    case
        when r.valid_from is null and r.valid_to is null then '(,)'::tstzrange
        else tstzrange(artery_plm._as_time(r.valid_from), artery_plm._as_time(r.valid_to, p_inclusive))
    end,
    r.designators,
    r.substitutes
from artery_plm.bom_import_row as r
inner join artery_erp.item as i on i.code = r.component
where r.message = p_message and r.kind = 'line'
$function$;
comment on function artery_plm._bom_lines(bigint, boolean) is
'The lines of a message, typed, numbered where they came without, in their own or else their item''s stock unit';

create or replace function artery_plm._line_json(
    p_component text, p_revision text, p_quantity numeric, p_unit text, p_scrap numeric,
    p_issue text, p_operation integer, p_phantom boolean, p_warehouse text,
    p_effectivity tstzrange, p_designators text[], p_substitutes jsonb
)
returns jsonb
language sql
immutable
parallel safe
as $function$
select jsonb_build_object(
    'component', p_component, 'component_revision', p_revision, 'quantity', trim_scale(p_quantity),
    'unit', p_unit, 'scrap_rate', trim_scale(p_scrap), 'issue_method', p_issue, 'operation_no', p_operation,
    'phantom', p_phantom, 'warehouse', p_warehouse, 'valid_from', lower(p_effectivity),
    'valid_to', upper(p_effectivity), 'designators', p_designators, 'substitutes', p_substitutes
)
$function$;
comment on function artery_plm._line_json(
    text, text, numeric, text, numeric, text, integer, boolean, text, tstzrange, text[], jsonb
) is 'A line as it is compared, and shown in a diff';
