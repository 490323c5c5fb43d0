set local role artery_owner;

/* Codes are the keys, as people and partners write them: ASCII only, so that no two of them look
   the same, and compared byte by byte. They never change; what does is the name beside them. */
create table artery_erp.unit (
    code text collate "C" primary key,
    name text not null,
    dimension text not null,
    whole_number boolean not null default false,
    constraint unit_code_check check (code ~ '^[A-Za-z0-9%][A-Za-z0-9%._/-]{0,15}$'),
    constraint unit_dimension_check check (
        dimension in ('count', 'length', 'area', 'volume', 'mass', 'time', 'other')
    )
);
comment on table artery_erp.unit is 'Units of measure';
comment on column artery_erp.unit.whole_number is
'Comes in whole numbers only, such as pieces: requirements are rounded up to the next one';

create table artery_erp.item (
    code text collate "C" primary key,
    name text,
    status text not null default 'draft',
    source text,
    stock_unit text collate "C" references artery_erp.unit (code),
    lot_tracked boolean not null default false,
    standard_cost numeric,
    attributes jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint item_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$'),
    constraint item_status_check check (status in ('draft', 'released', 'obsolete')),
    constraint item_source_check check (source in ('make', 'buy')),
    constraint item_complete_check check (
        status = 'draft' or (name is not null and source is not null and stock_unit is not null)
    ),
    constraint item_standard_cost_check check (standard_cost >= 0 and standard_cost < 1e15),
    constraint item_attributes_object_check check (jsonb_typeof(attributes) = 'object')
);
create index item_stock_unit_idx on artery_erp.item (stock_unit);
create index item_not_released_idx on artery_erp.item (code) where status <> 'released';
comment on table artery_erp.item is 'Item master: what is made, bought, stocked';
comment on column artery_erp.item.status is
'draft = known from a message only, may be incomplete, not to be produced; released; obsolete';
comment on column artery_erp.item.standard_cost is 'Of one stock unit; null = unknown, which is not 0';
comment on column artery_erp.item.attributes is 'What else its source told of it';

create table artery_erp.unit_conversion (
    id bigint generated always as identity primary key,
    item_code text collate "C" references artery_erp.item (code) on delete cascade,
    from_quantity numeric not null default 1,
    from_unit text collate "C" not null references artery_erp.unit (code),
    to_quantity numeric not null,
    to_unit text collate "C" not null references artery_erp.unit (code),
    constraint unit_conversion_other_unit_check check (from_unit <> to_unit),
    constraint unit_conversion_from_quantity_check check (
        from_quantity > 0 and from_quantity < 1e15
    ),
    constraint unit_conversion_to_quantity_check check (to_quantity > 0 and to_quantity < 1e15)
);
-- one row serves both directions, so there may be one a pair whichever way round it is written
create unique index unit_conversion_pair_key on artery_erp.unit_conversion (
    least(from_unit, to_unit), greatest(from_unit, to_unit), item_code
) nulls not distinct;
create index unit_conversion_item_code_idx on artery_erp.unit_conversion (item_code);
comment on table artery_erp.unit_conversion is
'from_quantity from_unit = to_quantity to_unit, exactly: both numbers, so that 3 FT = 1 YD is too';
comment on column artery_erp.unit_conversion.item_code is 'null = for all items without one of their own';

create table artery_erp.warehouse (
    code text collate "C" primary key,
    name text not null,
    kind text not null default 'stock',
    constraint warehouse_code_check check (code ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$'),
    constraint warehouse_kind_check check (
        kind in ('stock', 'line_side', 'finished', 'transit', 'quarantine', 'scrap')
    )
);
comment on table artery_erp.warehouse is 'Where stock lies: a warehouse or a location of its own';
comment on column artery_erp.warehouse.kind is
'line_side = at the machines, where backflush takes components from';

grant select on artery_erp.unit, artery_erp.item, artery_erp.unit_conversion, artery_erp.warehouse
    to artery_reader, artery_app;
grant insert, update on artery_erp.unit, artery_erp.item, artery_erp.warehouse to artery_app;
grant insert, update, delete on artery_erp.unit_conversion to artery_app;
