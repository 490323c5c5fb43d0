set local role artery_owner;

-- when backflush takes a line's component
alter table artery_erp.bom_line
add column issue_at text not null default 'operation'
constraint bom_line_issue_at_check check (issue_at in ('release', 'operation', 'end'));
comment on column artery_erp.bom_line.issue_at is
'When backflush takes it: release = all of it when the order is released; operation = by reports of its '
'operation or a later one; end = by reports of what is finished';

alter table artery_erp.manufacturing_order_line
add column issue_at text not null default 'operation'
constraint manufacturing_order_line_issue_at_check check (
    issue_at in ('release', 'operation', 'end')
),
add column issued numeric not null default 0;
comment on column artery_erp.manufacturing_order_line.issued is
'Taken so far, in the component''s stock unit; what a substitute covers counts as the component';

create table artery_erp.manufacturing_order_line_substitute (
    mo_no text collate "C" not null,
    line_no integer not null,
    priority integer not null,
    component_code text collate "C" not null references artery_erp.item (code),
    ratio numeric not null,
    primary key (mo_no, line_no, priority),
    constraint manufacturing_order_line_substitute_line_fkey foreign key (mo_no, line_no)
    references artery_erp.manufacturing_order_line (mo_no, line_no)
);
create index manufacturing_order_line_substitute_component_idx
on artery_erp.manufacturing_order_line_substitute (component_code);
comment on table artery_erp.manufacturing_order_line_substitute is
'What may be taken instead of a line''s component, frozen with the line, lowest priority number first';
insert into artery_erp.manufacturing_order_line_substitute
select
    l.mo_no,
    l.line_no,
    s.priority,
    s.component_code,
    s.ratio
from artery_erp.manufacturing_order_line as l
inner join artery_erp.bom_line_substitute as s
    on l.bom_id = s.bom_id and l.bom_line_no = s.line_no;

alter table artery_erp.manufacturing_order_operation
add column good numeric not null default 0,
add column scrap numeric not null default 0,
add column rework numeric not null default 0;
comment on column artery_erp.manufacturing_order_operation.good is 'Reported so far, in the order''s unit';

alter table artery_erp.manufacturing_order
add column overproduction_rate numeric not null default 0
constraint manufacturing_order_overproduction_rate_check check (
    overproduction_rate >= 0 and overproduction_rate < 100
),
add column good numeric not null default 0,
add column scrap numeric not null default 0,
add column rework numeric not null default 0;
comment on column artery_erp.manufacturing_order.overproduction_rate is
'0.05 = up to 5 % more good ones than ordered may be reported';
comment on column artery_erp.manufacturing_order.good is 'Finished so far, in the order''s unit';
comment on column artery_erp.manufacturing_order.scrap is 'Scrapped at the end of the line so far';
comment on column artery_erp.manufacturing_order.rework is
'Sent to be worked on again so far; counted anew as good or scrap when it comes back';

-- counts change often, and none stands in an index: room for that beside the row (HOT)
alter table artery_erp.manufacturing_order_line set (fillfactor = 70);
alter table artery_erp.manufacturing_order_operation set (fillfactor = 70);
alter table artery_erp.manufacturing_order set (fillfactor = 70);

insert into artery_erp.document_transition (document_type, from_status, to_status) values
('manufacturing_order', 'completed', 'in_progress');

create table artery_staging.mes_production_report (
    id bigint generated always as identity primary key,
    source text not null default session_user,
    message_id text not null,
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
    constraint mes_production_report_message_key unique (source, message_id, body_hash),
    constraint mes_production_report_status_check check (
        status in ('new', 'processed', 'rejected', 'parked')
    )
);
create unique index mes_production_report_accepted_key
on artery_staging.mes_production_report (source, message_id)
where status in ('processed', 'parked');
create index mes_production_report_due_idx on artery_staging.mes_production_report (due_at, id)
where status in ('new', 'parked');
create index mes_production_report_rejected_idx on artery_staging.mes_production_report (id)
where status = 'rejected';
create index mes_production_report_received_idx on artery_staging.mes_production_report
using brin (received_at);
comment on table artery_staging.mes_production_report is
'What the shop floor says it made, as it came; the buffer in front of the posting. message_id = report id';

grant select on
    artery_erp.manufacturing_order_line_substitute, artery_staging.mes_production_report
    to artery_reader, artery_app;
grant usage on schema artery_staging to artery_app;
grant update (overproduction_rate), insert (overproduction_rate)
on artery_erp.manufacturing_order to artery_app;
