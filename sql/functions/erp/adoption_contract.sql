/* The whole contract with an ERP of the site's own, as data: what a view must have, what a function
   is called with. What is not listed needs nothing: any table can be bound to the outbox, and any
   inbox can have a processor of the site's (docs/attach-your-erp.md). */
create or replace function artery_erp.adoption_contract()
returns table (
    part text, kind text, place integer, name text, type text, required boolean, meaning text
)
language sql
immutable
set search_path = pg_catalog, pg_temp
rows 20
as $function$
values
('production_order', 'view', 1, 'mo_no', 'text', true, 'the order''s number: unique, never null'),
('production_order', 'view', 2, 'item_code', 'text', true, 'what is made'),
('production_order', 'view', 3, 'quantity', 'numeric', true, 'how much of it; above zero'),
('production_order', 'view', 4, 'unit', 'text', true, 'of quantity, as the MES knows it'),
(
    'production_order', 'view', 5, 'status', 'text', true,
    'planned, released, in_progress, held, completed, closed or cancelled: the MES hears of released, in_progress, '
    'held, and of what is taken back'
),
('production_order', 'view', 6, 'item_name', 'text', false, 'what people call the item'),
('production_order', 'view', 7, 'bom_revision', 'text', false, 'which revision to build'),
('production_order', 'view', 8, 'planned_start', 'timestamptz', false, 'when to begin'),
('production_order', 'view', 9, 'planned_end', 'timestamptz', false, 'when it must be done'),
('production_order', 'view', 10, 'priority', 'integer', false, '0 goes first, 9 last; else 5'),
('production_order', 'view', 11, 'receive_location', 'text', false, 'where what is made goes'),
('production_order', 'view', 12, 'line_location', 'text', false, 'where components are taken from'),
(
    'production_order', 'view', 13, 'operations', 'jsonb', false,
    'array of {"operation_no", "name", "work_center", "setup_minutes", "run_minutes"}'
),
(
    'production_order', 'view', 14, 'components', 'jsonb', false,
    'array of {"line_no", "item", "name", "quantity", "required", "unit", "operation_no", "location"}; quantity for '
    'one, required for all'
),
(
    'production_report', 'function', 1, 'report', 'jsonb', true,
    'the report; an object is the answer: posted; null: in hand, ask again; what it raises rejects the report'
)
$function$;
comment on function artery_erp.adoption_contract() is
'What an ERP of the site''s own has to offer: parts, and the columns of their view or the argument of their function';
grant execute on function artery_erp.adoption_contract() to artery_reader;
