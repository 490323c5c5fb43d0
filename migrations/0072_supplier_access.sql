set local role artery_owner;

create table artery_erp.supplier_role (
    login regrole not null,
    supplier_code text collate "C" not null references artery_erp.supplier (code),
    granted_at timestamptz not null default clock_timestamp(),
    granted_by text not null default session_user,
    primary key (login, supplier_code)
);
create index supplier_role_supplier_code_idx on artery_erp.supplier_role (supplier_code);
comment on table artery_erp.supplier_role is
'Which database roles act for which supplier: what row-level security goes by. Written by '
'artery_procurement.grant_supplier';
comment on column artery_erp.supplier_role.login is
'A role; whoever inherits from it acts for the supplier. Kept by its identity: a new role of an old name has nothing';
grant select on artery_erp.supplier_role to artery_reader, artery_app;

create table artery_erp.supplier_right (
    object text not null,
    privilege text not null,
    columns text,
    primary key (object, privilege),
    constraint supplier_right_privilege_check check (privilege in ('select', 'insert', 'execute')),
    constraint supplier_right_object_check check (object ~ '^artery_[a-z0-9_]+\.[a-z0-9_(), ]+$'),
    constraint supplier_right_columns_check check (columns ~ '^[a-z0-9_, ]+$')
);
comment on table artery_erp.supplier_right is
'What a supplier''s role may do, all of it: no ids, nothing internal. artery_procurement.grant_supplier gives it';
grant select on artery_erp.supplier_right to artery_reader;
insert into artery_erp.supplier_right (object, privilege, columns) values
('artery_erp.supplier_role', 'select', 'login, supplier_code'),
('artery_erp.supplier', 'select', 'code, name, active'),
(
    'artery_erp.purchase_order', 'select',
    'supplier_code, po_no, status, version, currency, ordered_at, warehouse_code, note, '
    'approved_at, cancelled_at'
),
(
    'artery_erp.purchase_order_line', 'select',
    'supplier_code, po_no, line_no, item_code, quantity, unit, unit_price, due_at, '
    'over_delivery_rate, notified_quantity, received_quantity, outstanding_quantity, '
    'outstanding_reason, short_quantity, short_closed'
),
(
    'artery_erp.asn_document', 'select',
    'supplier_code, asn_no, revision, status, shipped_at, expected_at, carrier, tracking_no, '
    'detail, received_at'
),
(
    'artery_erp.asn_line', 'select',
    'supplier_code, asn_no, line_no, po_no, po_line_no, item_code, quantity, unit, lot_no, '
    'serials, sscc, best_before, outstanding_quantity, outstanding_reason, received_quantity, '
    'excess_quantity'
),
(
    'artery_procurement.po_dispatch', 'select',
    'supplier_code, po_no, version, action, status, request_id, cloud_order_no, created_at, '
    'answered_at'
),
(
    'artery_procurement.po_reply', 'select',
    'supplier_code, reply_no, po_no, version, reply, reason, replied_at, status, decided_at, note'
),
(
    'artery_procurement.po_reply_line', 'select',
    'supplier_code, reply_no, line_no, quantity, unit_price, due_at, reason'
),
(
    'artery_staging.supplier_asn', 'select',
    'source, message_id, body, status, received_at, processed_at, result, reasons'
),
(
    'artery_staging.supplier_po_reply', 'select',
    'source, message_id, body, status, received_at, processed_at, result, reasons'
),
('artery_staging.supplier_asn', 'insert', 'source, message_id, body'),
('artery_staging.supplier_po_reply', 'insert', 'source, message_id, body'),
('artery_procurement.po_line_status', 'select', null),
('artery_procurement.find_asn(jsonb, integer)', 'execute', null),
('artery_api_v1.submit_asn(jsonb)', 'execute', null),
('artery_api_v1.submit_po_reply(jsonb)', 'execute', null);

/* The ERP's own roles see all: their condition is constant, so the planner drops it. Anybody else
   who was given a right on the table is held to the suppliers that it acts for. That goes by the
   membership of the current role, which no setting can feign; the array is computed once a
   statement, and equality of text is leakproof, so keys that begin with the supplier are used.
   Forced: a definer function sees what artery_owner's policy says, nothing by right of
   ownership. */
do $policies$
declare
    v record;
    c_mine constant text := '%I = any (array('
        'select r.supplier_code from artery_erp.supplier_role as r '
        'where pg_catalog.pg_has_role(r.login, ''usage'')))';
begin
    for v in
        select
            t.*,
            format(c_mine, t.key) || t.more as mine
        from (values
            ('artery_erp.supplier', 'code', '', 'select'),
            ('artery_erp.purchase_order', 'supplier_code', ' and status <> ''draft''', 'select'),
            (
                'artery_erp.purchase_order_line', 'supplier_code',
                -- who reads the line reads the order under its own policy: no draft
                ' and exists (select from artery_erp.purchase_order as o '
                'where o.supplier_code = purchase_order_line.supplier_code '
                'and o.po_no = purchase_order_line.po_no)',
                'select'
            ),
            ('artery_erp.asn_document', 'supplier_code', '', 'select'),
            ('artery_erp.asn_line', 'supplier_code', '', 'select'),
            ('artery_procurement.po_dispatch', 'supplier_code', '', 'select'),
            ('artery_procurement.po_reply', 'supplier_code', '', 'select'),
            ('artery_procurement.po_reply_line', 'supplier_code', '', 'select'),
            ('artery_staging.supplier_asn', 'source', '', 'select, insert'),
            ('artery_staging.supplier_po_reply', 'source', '', 'select, insert')
        ) as t (name, key, more, verbs)
    loop
        execute format('alter table %s enable row level security', v.name);
        execute format('alter table %s force row level security', v.name);
        execute format(
            'create policy erp on %s to artery_owner, artery_reader, artery_app '
            'using (true) with check (true)', v.name
        );
        execute format('create policy supplier_reads on %s for select using (%s)', v.name, v.mine);
        if v.verbs like '%insert%' then
            execute format(
                'create policy supplier_inserts on %s for insert with check (%s)', v.name, v.mine
            );
        end if;
    end loop;
end
$policies$;

alter table artery_erp.supplier_role enable row level security;
alter table artery_erp.supplier_role force row level security;
create policy erp on artery_erp.supplier_role to artery_owner, artery_reader, artery_app
using (true) with check (true);
create policy supplier_reads on artery_erp.supplier_role for select
using (pg_catalog.pg_has_role(login, 'usage'));
