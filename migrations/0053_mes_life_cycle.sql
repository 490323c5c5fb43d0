set local role artery_owner;

alter table artery_mes.mo_dispatch
add column resent integer not null default 0,
add column resend_reason text;
comment on column artery_mes.mo_dispatch.resent is
'How often this version was sent anew, under a new Request-ID; artery_mes.resend_mo';

create table artery_mes.setting (
    only_row boolean primary key default true,
    format text not null default 'json',
    sender text not null default 'ERP',
    constraint setting_only_row_check check (only_row),
    constraint setting_format_check check (format in ('json', 'b2mml_v0401', 'b2mml_v0700'))
);
comment on table artery_mes.setting is 'How the MES wants its messages; set by artery_mes.set_format';
comment on column artery_mes.setting.sender is 'LogicalID of the sender in B2MML';
insert into artery_mes.setting default values;

create table artery_mes.reconciliation (
    id bigint generated always as identity primary key,
    task_id bigint constraint reconciliation_task_id_key unique,
    status text not null default 'asked',
    asked_at timestamptz not null default clock_timestamp(),
    answered_at timestamptz,
    orders integer not null,
    differences integer,
    reason text,
    constraint reconciliation_status_check check (status in ('asked', 'answered', 'failed'))
);
comment on table artery_mes.reconciliation is
'Each time the MES was asked which orders it has open, and what came of it';
comment on column artery_mes.reconciliation.orders is 'How many are open here';
comment on column artery_mes.reconciliation.reason is 'Why there is no answer that could be compared';

create table artery_mes.reconciliation_difference (
    reconciliation_id bigint not null references artery_mes.reconciliation (id) on delete cascade,
    mo_no text collate "C" not null,
    difference text not null,
    here jsonb,
    there jsonb,
    primary key (reconciliation_id, mo_no, difference),
    constraint reconciliation_difference_difference_check check (
        difference in ('missing_there', 'missing_here', 'version', 'status', 'quantity')
    )
);
comment on table artery_mes.reconciliation_difference is
'Orders that are open here or there and not alike; an order whose message is on its way is left out';
comment on column artery_mes.reconciliation_difference.difference is
'missing_there; missing_here = not open here, or not known; version, status, quantity differ';

grant select on
artery_mes.setting, artery_mes.reconciliation, artery_mes.reconciliation_difference
to artery_reader;
