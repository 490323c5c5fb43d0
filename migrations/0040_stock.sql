set local role artery_owner;

alter table artery_erp.warehouse
add column negative_stock text not null default 'shortage'
constraint warehouse_negative_stock_check check (
    negative_stock in ('reject', 'shortage', 'allow')
);
comment on column artery_erp.warehouse.negative_stock is
'When more is taken than there is: reject = refused; shortage = a report waits until stock arrives, '
'anything else is refused; allow = stock goes below zero';

alter table artery_erp.item
add column negative_stock text
constraint item_negative_stock_check check (
    negative_stock in ('reject', 'shortage', 'allow')
);
comment on column artery_erp.item.negative_stock is
'Goes before that of the warehouse; null = as the warehouse says';

create table artery_erp.lot (
    item_code text collate "C" not null references artery_erp.item (code),
    lot_no text collate "C" not null,
    status text not null default 'released',
    expires_at timestamptz,
    received_at timestamptz not null default clock_timestamp(),
    attributes jsonb not null default '{}',
    primary key (item_code, lot_no),
    constraint lot_number_check check (lot_no ~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$'),
    constraint lot_status_check check (status in ('released', 'blocked')),
    constraint lot_attributes_object_check check (jsonb_typeof(attributes) = 'object')
);
comment on table artery_erp.lot is 'Lots (batches) of items';
comment on column artery_erp.lot.status is 'blocked = not to be used; what was made from it stays as it is';
comment on column artery_erp.lot.expires_at is 'The first to expire is taken first; null = does not expire, taken last';
comment on column artery_erp.lot.received_at is
'Among lots that expire at the same time the first received is taken first; then by number';

/* One row for each item, warehouse and lot that ever had stock; rows stay at zero. They are locked
   in the order of the key and in no other, by artery_erp._lock_balances alone.
   in_stock and not the quantity itself stands in the index, so that a change of the quantity
   touches no index (HOT), however often it comes. */
create table artery_erp.stock_balance (
    item_code text collate "C" not null references artery_erp.item (code),
    warehouse_code text collate "C" not null references artery_erp.warehouse (code),
    lot_no text collate "C" not null default '',
    quantity numeric not null default 0,
    reserved numeric not null default 0,
    lot_key text collate "C" generated always as (nullif(lot_no, '')) stored,
    in_stock boolean generated always as (quantity <> 0) stored,
    primary key (item_code, warehouse_code, lot_no),
    constraint stock_balance_lot_fkey foreign key (item_code, lot_key)
    references artery_erp.lot (item_code, lot_no),
    constraint stock_balance_quantity_check check (quantity > -1e15 and quantity < 1e15),
    constraint stock_balance_reserved_check check (reserved >= 0 and reserved < 1e15)
) with (fillfactor = 50);
create index stock_balance_in_stock_idx on artery_erp.stock_balance (item_code, warehouse_code)
where in_stock;
create index stock_balance_warehouse_code_idx on artery_erp.stock_balance (warehouse_code)
where in_stock;
comment on table artery_erp.stock_balance is
'What lies where now, in the item''s stock unit: at all times the sum of artery_erp.stock_move';
comment on column artery_erp.stock_balance.lot_no is 'Empty = without a lot';
comment on column artery_erp.stock_balance.reserved is 'Sum of artery_erp.stock_reservation; promised, still here';
comment on column artery_erp.stock_balance.lot_key is 'lot_no, null where empty: for the foreign key';

create table artery_erp.accounting_period (
    name text primary key,
    during tstzrange not null,
    status text not null default 'open',
    constraint accounting_period_half_open_check check (
        not isempty(during) and not lower_inf(during) and not upper_inf(during)
        and lower_inc(during) and not upper_inc(during)
    ),
    constraint accounting_period_status_check check (status in ('open', 'closed')),
    constraint accounting_period_overlap_excl exclude using gist (during with &&)
);
comment on table artery_erp.accounting_period is
'Periods of the books: nothing is posted into a closed one. Times that no period covers are open';
comment on column artery_erp.accounting_period.during is 'From (inclusive) until (exclusive)';

create table artery_erp.stock_posting (
    id bigint generated always as identity primary key,
    kind text not null,
    document_type text not null,
    document_id text not null,
    effective_at timestamptz not null,
    posted_at timestamptz not null default clock_timestamp(),
    posted_by text not null default session_user,
    reverses bigint,
    note text,
    constraint stock_posting_reverses_key unique (reverses),
    constraint stock_posting_reverses_fkey foreign key (reverses)
    references artery_erp.stock_posting (id),
    constraint stock_posting_kind_check check (kind in (
        'receipt', 'production', 'shipment', 'transfer', 'adjustment', 'reversal'
    )),
    constraint stock_posting_reversal_check check ((kind = 'reversal') = (reverses is not null))
);
create index stock_posting_document_idx on artery_erp.stock_posting (document_id, document_type);
comment on table artery_erp.stock_posting is 'What moved stock: one row for all moves of a document, append-only';
comment on column artery_erp.stock_posting.effective_at is
'When it took place in the business''s time; it lies in an open accounting period';
comment on column artery_erp.stock_posting.posted_at is 'When it was written into the books';
comment on column artery_erp.stock_posting.reverses is 'The posting that it takes back; each can be taken back once';

/* Not partitioned: the balances are the sum of all moves ever, so that none is dropped by age; in
   the order of time they lie on disk anyway, which the BRIN index uses. */
create table artery_erp.stock_move (
    posting_id bigint not null,
    line_no integer not null,
    item_code text collate "C" not null,
    warehouse_code text collate "C" not null,
    lot_no text collate "C" not null default '',
    quantity numeric not null,
    document_line integer,
    covers numeric,
    posted_at timestamptz not null,
    primary key (posting_id, line_no),
    constraint stock_move_quantity_check check (
        quantity <> 0 and quantity > -1e15 and quantity < 1e15
    )
);
create index stock_move_item_lot_idx on artery_erp.stock_move (item_code, lot_no);
create index stock_move_posted_at_idx on artery_erp.stock_move using brin (posted_at);
comment on table artery_erp.stock_move is
'The stock ledger: each change of a balance, append-only, written by artery_erp._apply_moves alone, '
'which is why it has no foreign keys';
comment on column artery_erp.stock_move.quantity is 'In the item''s stock unit: positive = in, negative = out';
comment on column artery_erp.stock_move.document_line is
'Line of the document: for production the order''s line that it was taken for; null = what was made';
comment on column artery_erp.stock_move.covers is
'How much of the line''s requirement this covers, in the component''s unit; other than the quantity '
'where a substitute was taken';
comment on column artery_erp.stock_move.posted_at is
'Taken while the balance was locked: by it the moves of a balance are in the order they took place';

create table artery_erp.stock_reservation (
    id bigint generated always as identity primary key,
    item_code text collate "C" not null,
    warehouse_code text collate "C" not null,
    lot_no text collate "C" not null,
    quantity numeric not null,
    document_type text not null,
    document_id text not null,
    document_line integer,
    created_at timestamptz not null default clock_timestamp(),
    constraint stock_reservation_balance_fkey foreign key (item_code, warehouse_code, lot_no)
    references artery_erp.stock_balance (item_code, warehouse_code, lot_no),
    constraint stock_reservation_quantity_check check (quantity > 0 and quantity < 1e15)
);
create index stock_reservation_balance_idx
on artery_erp.stock_reservation (item_code, warehouse_code, lot_no);
create index stock_reservation_document_idx
on artery_erp.stock_reservation (document_id, document_type);
comment on table artery_erp.stock_reservation is
'Stock promised to a document. A promise, not a fact: what the shop floor says it took is posted, promised or not';

grant select on
    artery_erp.lot, artery_erp.stock_balance, artery_erp.accounting_period,
    artery_erp.stock_posting, artery_erp.stock_move, artery_erp.stock_reservation
    to artery_reader, artery_app;
grant insert, update on artery_erp.lot, artery_erp.accounting_period to artery_app;
