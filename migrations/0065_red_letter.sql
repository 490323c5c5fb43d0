set local role artery_owner;

create table artery_tax.red_letter (
    order_no text collate "C" primary key references artery_erp.ar_invoice (order_no),
    original_order_no text collate "C" not null references artery_erp.ar_invoice (order_no),
    key text constraint red_letter_key_key unique,
    asked jsonb not null,
    reason text not null,
    note text,
    status text not null default 'requested',
    confirmation_no text collate "C",
    confirmed_at timestamptz,
    response jsonb,
    saga_id bigint,
    requested_at timestamptz not null default clock_timestamp(),
    requested_by text not null default session_user,
    ended_at timestamptz,
    constraint red_letter_reason_check check (reason in ('01', '02', '03', '04')),
    constraint red_letter_status_check check (status in (
        'requested', 'confirmed', 'refused', 'withdrawn', 'issued', 'released'
    ))
);
create index red_letter_original_order_no_idx on artery_tax.red_letter (original_order_no);
create index red_letter_saga_id_idx on artery_tax.red_letter (saga_id);
comment on table artery_tax.red_letter is
'What is taken back of blue invoices: how far its confirmation has come. Its amounts are those of the red '
'invoice of the same order number';
comment on column artery_tax.red_letter.key is 'The caller''s own: the same key again is the same red letter';
comment on column artery_tax.red_letter.asked is 'What was to be taken back, as the caller said it';
comment on column artery_tax.red_letter.reason is
'01 issued in error, 02 goods returned, 03 service stopped, 04 allowance';
comment on column artery_tax.red_letter.status is
'requested -> confirmed -> issued; refused = no confirmation; withdrawn = confirmed, then taken back unused; '
'released = given up, its amounts can be taken back again';
comment on column artery_tax.red_letter.confirmation_no is 'Of the red letter''s confirmation; null where the gateway knows none';
comment on column artery_tax.red_letter.response is 'The gateway''s last answer about the confirmation, whole, as it came';
comment on column artery_tax.red_letter.saga_id is 'Which brings it about, or undoes the invoice; no foreign key, as sagas are deleted and this stays';

grant select on artery_tax.red_letter to artery_reader, artery_app;

alter table artery_tax.gateway_profile
add column needs_confirmation boolean not null default false;
comment on column artery_tax.gateway_profile.needs_confirmation is
'A red invoice needs a confirmation of its own, asked for first';
update artery_tax.gateway_profile
set needs_confirmation = true
where name = 'digital';

-- an allowance is an amount without a quantity
alter table artery_erp.ar_invoice_line
-- squawk-ignore ban-drop-constraint
drop constraint ar_invoice_line_quantity_check,
-- squawk-ignore constraint-missing-not-valid
add constraint ar_invoice_line_quantity_check check (
    (quantity is null) = (price is null)
    and (quantity is null or kind <> 'discount')
    and (quantity is not null or kind = 'discount' or original_line_no is not null)
    and (quantity is null or quantity > -1e15 and quantity < 1e15)
    and (price is null or price >= 0 and price < 1e15)
);
