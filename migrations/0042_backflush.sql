set local role artery_owner;

create table artery_mes.production_report (
    id bigint primary key,
    source text not null,
    report_id text not null,
    kind text not null,
    mo_no text collate "C" not null,
    operation_no integer,
    final boolean not null,
    item_code text collate "C" not null,
    good numeric not null,
    scrap numeric not null,
    rework numeric not null,
    reason text,
    warehouse_code text collate "C",
    lot_no text collate "C",
    reported_at timestamptz not null,
    posted_at timestamptz not null,
    posting_id bigint not null,
    reverses bigint,
    constraint production_report_posting_key unique (posting_id),
    constraint production_report_reverses_key unique (reverses),
    constraint production_report_kind_check check (kind in ('report', 'release', 'reversal'))
);
create index production_report_mo_idx on artery_mes.production_report (mo_no, id);
create index production_report_report_id_idx on artery_mes.production_report (report_id);
create index production_report_posted_at_idx on artery_mes.production_report
using brin (posted_at);
comment on table artery_mes.production_report is
'Production reports that are posted; id = that of the message in artery_staging.mes_production_report. '
'Written by the posting alone, which checks what it names: hence no foreign keys';
comment on column artery_mes.production_report.kind is
'report = of the shop floor; release = components issued when the order was released; reversal';
comment on column artery_mes.production_report.final is
'Of the last operation, or of none: what it calls good is finished and received into stock';
comment on column artery_mes.production_report.good is 'In the order''s unit; negative in a reversal';
comment on column artery_mes.production_report.lot_no is 'Lot of what was made; null = made without lots';
comment on column artery_mes.production_report.posting_id is 'Its moves: artery_erp.stock_move';
comment on column artery_mes.production_report.reverses is 'The report that it takes back';

create table artery_mes.report_shortage (
    report_id bigint not null,
    item_code text collate "C" not null,
    warehouse_code text collate "C" not null,
    missing numeric not null,
    since timestamptz not null default clock_timestamp(),
    primary key (item_code, warehouse_code, report_id)
);
create index report_shortage_report_id_idx on artery_mes.report_shortage (report_id);
comment on table artery_mes.report_shortage is
'What parked reports wait for; when it arrives they are due at once';

-- what the functions of the posting hand to each other
create type artery_mes.report_message as (
    id bigint,
    source text,
    report_id text,
    kind text,
    mo_no text,
    item_code text,
    operation_no integer,
    good numeric,
    scrap numeric,
    rework numeric,
    reason text,
    warehouse_code text,
    lot_no text,
    reported_at timestamptz,
    reverses_report text,
    components jsonb,
    problems text[] -- noqa: LT01
);
comment on type artery_mes.report_message is
'What a message says, null where it is not what it should be; problems = the fields that are not';

create type artery_mes.report_draft as (
    report artery_mes.production_report,
    order_no integer,
    scope_no integer,
    scope_good numeric,
    scope_done numeric,
    good_limit numeric,
    issue_for numeric,
    stock_numerator numeric,
    stock_denominator numeric,
    reverses_report text,
    components jsonb,
    parked boolean,
    reasons jsonb
);
comment on type artery_mes.report_draft is
'A report that is checked. order_no, scope_no number the orders and (order, operation) of the batch; scope_good, '
'scope_done = reported there before; issue_for = made, for a release; stock_*: from the order''s unit to the stock unit';

create type artery_mes.report_verdict as (id bigint, status text, result jsonb, reasons jsonb);
comment on type artery_mes.report_verdict is 'What became of a message: processed, rejected or parked';

create type artery_mes.backflush_row as (
    report_id bigint,
    order_no integer,
    mo_no text,
    line_no integer,
    line_slot integer,
    rank integer,
    item_code text,
    warehouse_code text,
    pool_no integer,
    lot_no text,
    quantity numeric,
    base_quantity numeric,
    whole boolean,
    issue_at text,
    operation_no integer,
    issued numeric,
    policy text,
    last boolean
);
comment on type artery_mes.backflush_row is
'A component that reports of an order may take. rank 0 = named by one report, 1 = the line''s own, from 2 on '
'substitutes. quantity for base_quantity of the order; of rank 0 absolute, of substitutes the ratio';

grant select on artery_mes.production_report, artery_mes.report_shortage
    to artery_reader, artery_app;
grant usage on schema artery_mes to artery_app;
