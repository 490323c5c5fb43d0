-- An order that is not released yet may still lack what it will be released with
create or replace function artery_mes._adopted_problems(p_order jsonb)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_agg(artery._reason(
    'IN084', p.message, 'Mend the view of artery_erp.adoption, or the order: its next change is told by itself.', '/' || p.field
))
from (values (p_order ->> 'status' in ('released', 'in_progress', 'held'))) as o (open)
cross join lateral (values
    ('mo_no', (p_order ->> 'mo_no' ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$') is not true, 'mo_no is no order number'),
    (
        'mo_no',
        exists (select from artery_erp.manufacturing_order as mo where mo.mo_no = p_order ->> 'mo_no'),
        'artery_erp.manufacturing_order has that number too'
    ),
    ('item_code', o.open and coalesce(p_order ->> 'item_code', '') = '', 'item_code is missing'),
    ('unit', o.open and coalesce(p_order ->> 'unit', '') = '', 'unit is missing'),
    (
        'quantity',
        o.open and case jsonb_typeof(p_order -> 'quantity')
            when 'number' then not (p_order ->> 'quantity')::numeric between 1e-8 and 1e15
            else true
        end,
        'quantity is no number above zero'
    ),
    (
        'status',
        (p_order ->> 'status' in (
            'planned', 'released', 'in_progress', 'held', 'completed', 'closed', 'cancelled'
        )) is not true,
        format('%s is no status of an order', coalesce(p_order ->> 'status', 'nothing'))
    ),
    ('operations', coalesce(jsonb_typeof(p_order -> 'operations'), 'null') not in ('array', 'null'), 'operations are no array'),
    ('components', coalesce(jsonb_typeof(p_order -> 'components'), 'null') not in ('array', 'null'), 'components are no array')
) as p (field, wrong, message)
where p.wrong and p_order is not null
$function$;
comment on function artery_mes._adopted_problems(jsonb) is
'All that keeps a row of an adopted ERP''s view from being told to the MES, as reasons (IN084); null = nothing';
revoke execute on function artery_mes._adopted_problems(jsonb) from public;

-- What the shop floor need not hear of (its own progress) makes no difference here
create or replace function artery_mes.adopted_document(p_order jsonb)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select jsonb_build_object(
    'mo_no', p_order -> 'mo_no',
    'status', case p_order ->> 'status' when 'in_progress' then 'released' else p_order ->> 'status' end,
    'item', jsonb_build_object(
        'code', p_order -> 'item_code',
        'name', coalesce(p_order -> 'item_name', p_order -> 'item_code'),
        'bom_revision', p_order -> 'bom_revision'
    ),
    'quantity', trim_scale((p_order ->> 'quantity')::numeric)::text,
    'unit', p_order -> 'unit',
    'planned_start', p_order -> 'planned_start',
    'planned_end', p_order -> 'planned_end',
    'priority', coalesce(p_order -> 'priority', '5'),
    'location', jsonb_build_object('receive', p_order -> 'receive_location', 'line', p_order -> 'line_location'),
    'operations', coalesce(p_order -> 'operations', '[]'),
    'components', coalesce(p_order -> 'components', '[]')
)
$function$;
comment on function artery_mes.adopted_document(jsonb) is
'What the MES is told of an order of an adopted ERP, in the form of artery_mes.mo_payload, less version and action';
revoke execute on function artery_mes.adopted_document(jsonb) from public;
