set local role artery_owner;

create table artery_erp.adoption (
    part text primary key,
    object text not null,
    adopted_at timestamptz not null default clock_timestamp(),
    adopted_by text not null default session_user
);
comment on table artery_erp.adoption is
'Which view or function of the site''s own ERP stands in for a part of artery_erp; set by artery_erp.adopt';
comment on column artery_erp.adoption.part is 'One of artery_erp.adoption_contract()';
comment on column artery_erp.adoption.object is
'schema.view or schema.function: by name, so that the site may replace it, and a restore keeps it';

create table artery_mes.adopted_order (
    mo_no text collate "C" primary key,
    version integer not null default 0,
    status text not null default 'planned',
    item_code text,
    quantity numeric,
    unit text,
    told jsonb,
    good numeric not null default 0,
    scrap numeric not null default 0,
    rework numeric not null default 0,
    seen_at timestamptz not null default clock_timestamp(),
    constraint adopted_order_status_check check (status in (
        'planned', 'released', 'in_progress', 'held', 'completed', 'closed', 'cancelled'
    ))
);
create index adopted_order_open_idx on artery_mes.adopted_order (mo_no)
where status in ('released', 'in_progress', 'held');
comment on table artery_mes.adopted_order is
'Orders of an adopted ERP: as last seen, what the MES was told, what it reported';
comment on column artery_mes.adopted_order.version is 'Rises with each thing that the shop floor has to hear of';
comment on column artery_mes.adopted_order.told is 'The document of that version; a change is what differs from it';
comment on column artery_mes.adopted_order.good is
'Of reports that the ERP has posted and that are about what is finished; scrap and rework likewise';

create table artery_mes.report_at_erp (
    report_id bigint primary key,
    mo_no text collate "C" not null,
    handed boolean not null,
    asked integer not null default 1,
    since timestamptz not null default clock_timestamp()
);
create index report_at_erp_mo_no_idx on artery_mes.report_at_erp (mo_no, report_id);
comment on table artery_mes.report_at_erp is
'Parked reports of an adopted ERP''s orders; those of one order are posted in their order';
comment on column artery_mes.report_at_erp.report_id is 'artery_staging.mes_production_report.id';
comment on column artery_mes.report_at_erp.handed is
'The ERP has it and has not answered yet; else it waits for the order, or for an earlier report of it';
comment on column artery_mes.report_at_erp.asked is 'How often the ERP was asked for its answer';

-- a dispatch tells of an order of artery_erp or of an adopted one
-- squawk-ignore ban-drop-constraint -- what it guaranteed now holds of artery_mes.shop_order
alter table artery_mes.mo_dispatch drop constraint mo_dispatch_mo_no_fkey;

create table artery_staging.erp_order_event (
    id bigint generated always as identity primary key,
    source text not null default session_user,
    message_id text not null default gen_random_uuid(),
    body jsonb not null,
    body_hash bigint generated always as (hashtextextended(body::text, 0)) stored,
    status text not null default 'new',
    received_at timestamptz not null default clock_timestamp(),
    received_by text not null default session_user,
    attempts integer not null default 0,
    due_at timestamptz not null default clock_timestamp(),
    processed_at timestamptz,
    result jsonb,
    reasons jsonb,
    history jsonb,
    constraint erp_order_event_message_key unique (source, message_id, body_hash),
    constraint erp_order_event_status_check check (
        status in ('new', 'processed', 'rejected', 'parked')
    )
);
create unique index erp_order_event_accepted_key
on artery_staging.erp_order_event (source, message_id)
where status in ('processed', 'parked');
create index erp_order_event_due_idx on artery_staging.erp_order_event (due_at, id)
where status in ('new', 'parked');
create index erp_order_event_rejected_idx on artery_staging.erp_order_event (id)
where status = 'rejected';
comment on table artery_staging.erp_order_event is
'An order of the adopted ERP was touched, {"mo_no", "table"}: written by the trigger of bind_orders. What is done is '
'deleted; what is rejected could not be told to the MES, and stays until it can';

grant select on
    artery_erp.adoption, artery_mes.adopted_order, artery_mes.report_at_erp,
    artery_staging.erp_order_event
    to artery_reader;
