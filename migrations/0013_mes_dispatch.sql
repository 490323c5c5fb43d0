set local role artery_owner;

create table artery_mes.mo_dispatch (
    mo_no text collate "C" not null references artery_erp.manufacturing_order (mo_no),
    version integer not null,
    action text not null,
    status text not null,
    task_id bigint,
    request_id uuid,
    mes_order_no text,
    reason text,
    created_at timestamptz not null default clock_timestamp(),
    answered_at timestamptz,
    primary key (mo_no, version),
    constraint mo_dispatch_task_id_key unique (task_id),
    constraint mo_dispatch_action_check check (action in ('create', 'change', 'cancel')),
    constraint mo_dispatch_status_check check (status in (
        'unrouted', 'queued', 'sent', 'acknowledged', 'refused', 'undelivered', 'superseded'
    )),
    constraint mo_dispatch_task_check check ((status = 'unrouted') = (task_id is null))
);
comment on table artery_mes.mo_dispatch is
'What the MES was told of an order, a version a row, and what it answered to that version';
comment on column artery_mes.mo_dispatch.status is
'unrouted = no MES is set up; queued = in the outbox; sent = taken without a verdict; acknowledged; '
'refused; undelivered = given up; superseded = never delivered, and a later version tells it all';
comment on column artery_mes.mo_dispatch.task_id is
'Its task in artery.integration_task; no foreign key, as tasks are archived and this stays';
comment on column artery_mes.mo_dispatch.reason is 'Why it was refused or not delivered';

grant select on artery_mes.mo_dispatch to artery_reader;
