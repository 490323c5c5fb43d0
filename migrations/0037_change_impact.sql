set local role artery_owner;

alter table artery_erp.manufacturing_order add column lines_changed_at timestamptz;
comment on column artery_erp.manufacturing_order.lines_changed_at is
'When an engineering change last changed its frozen lines; the shop floor hears of it';

create table artery_plm.eco_disposition (
    eco_no text collate "C" not null,
    item_code text collate "C" not null,
    line_no integer not null,
    object_kind text not null,
    object_id text not null,
    quantity numeric,
    value numeric,
    proposed text not null,
    as_of timestamptz not null,
    chosen text,
    owner text,
    note text,
    chosen_at timestamptz,
    chosen_by text,
    executed_at timestamptz,
    executed_by text,
    primary key (eco_no, item_code, line_no, object_kind, object_id),
    constraint eco_disposition_line_fkey foreign key (eco_no, item_code, line_no)
    references artery_erp.engineering_change_line (eco_no, item_code, line_no) on delete cascade,
    constraint eco_disposition_kind_check check (object_kind in (
        'mo_not_started', 'mo_started', 'mo_done', 'stock', 'product_stock', 'reservation',
        'on_order', 'in_transit', 'assembly'
    )),
    constraint eco_disposition_proposed_check check (
        proposed in ('use_as_is', 'rework', 'scrap', 'exhaust')
    ),
    constraint eco_disposition_chosen_check check (
        chosen in ('use_as_is', 'rework', 'scrap', 'exhaust')
    ),
    constraint eco_disposition_executed_check check (executed_at is null or chosen is not null)
);
comment on table artery_plm.eco_disposition is
'What an ECO hits, as found when it was submitted and again when it was approved, and what is done about it';
comment on column artery_plm.eco_disposition.owner is 'Who sees to it';
comment on column artery_plm.eco_disposition.chosen is
'use_as_is; rework = brought to the new revision, an order takes its lines; scrap, an order is cancelled; '
'exhaust = used up first';

create table artery_plm.eco_order_change (
    id bigint generated always as identity primary key,
    eco_no text collate "C" not null
    references artery_erp.engineering_change_order (eco_no),
    mo_no text collate "C" not null references artery_erp.manufacturing_order (mo_no),
    lines_before jsonb not null,
    lines_after jsonb,
    transaction_id xid8 not null default pg_current_xact_id(),
    executed_at timestamptz not null default clock_timestamp(),
    executed_by text not null default session_user
);
create index eco_order_change_mo_idx on artery_plm.eco_order_change (mo_no, transaction_id);
create index eco_order_change_eco_idx on artery_plm.eco_order_change (eco_no);
comment on table artery_plm.eco_order_change is
'Each change of a released order''s frozen lines by an ECO: the only way that they change';

-- The materialized view needs it; artery migrate loads its body from sql/.
create function artery_plm.impact_rows(p_eco_no text)
returns table (
    eco_no text,
    item_code text,
    line_no integer,
    action text,
    component_code text,
    object_kind text,
    object_id text,
    object_status text,
    quantity numeric,
    issued numeric,
    unit text,
    value numeric,
    proposed text
)
language plpgsql
stable
set search_path = ''
as $function$
begin
    raise exception using
        errcode = 'object_not_in_prerequisite_state',
        message = 'the code of pg_artery is not loaded',
        detail = 'artery_plm.impact_rows has no body yet.',
        hint = 'Run artery migrate.';
end
$function$;

create materialized view artery_plm.wip_impact as
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
    now() as as_of
from artery_plm.impact_rows(null) as r
left join artery_plm.eco_disposition as d
    on
        r.eco_no = d.eco_no
        and r.item_code = d.item_code
        and r.line_no = d.line_no
        and r.object_kind = d.object_kind
        and r.object_id = d.object_id
with no data;
-- squawk-ignore require-concurrent-index-creation
create unique index wip_impact_key
on artery_plm.wip_impact (eco_no, item_code, line_no, object_kind, object_id);
-- squawk-ignore require-concurrent-index-creation
create index wip_impact_object_idx on artery_plm.wip_impact (object_id, object_kind);
comment on materialized view artery_plm.wip_impact is
'What the open ECOs hit, as of the last refresh (as_of): a row for each ECO line and affected object. Fresh, for '
'one ECO: artery_plm.wip_impact_of(eco)';
comment on column artery_plm.wip_impact.object_kind is
'mo_not_started, mo_started, mo_done; stock of the component, product_stock of what is made of it; reservation; on_order; '
'in_transit; assembly = a higher assembly';
comment on column artery_plm.wip_impact.quantity is
'Of the component, in its stock unit (orders: still to be issued); product_stock and mo_done: of the item';
comment on column artery_plm.wip_impact.value is 'quantity at the rolled-up cost, else the standard cost; null = unknown';

grant select on artery_plm.eco_disposition, artery_plm.eco_order_change, artery_plm.wip_impact
to artery_reader;
