begin;
select plan(22);

select is(artery_erp.round_up(26000 * 1.1, 1, false), 28600::numeric, 'the golden 260 mm a piece, 10 % scrap, 100 pieces');
select is(artery_erp.round_up(1, 3, false), 0.33333334, 'a third is rounded up at the eighth place');
select is(artery_erp.round_up(7, 3, true), 3::numeric, 'to a whole number where asked');
select is(artery_erp.round_up(6, 3, true), 2::numeric, 'what is whole already stays');
select is(artery_erp.round_up(0.00000001, 1, false), 0.00000001, 'an exact eighth place stays');
select is(
    artery_erp.round_up(1e40 + 1, 1e40, false), 1.00000001, 'forty digits down is still up'
);

insert into artery_erp.unit (code, name, dimension, whole_number) values
('EA', 'piece', 'count', true), ('BOX', 'box', 'count', true), ('FT', 'foot', 'length', false),
('YD', 'yard', 'length', false), ('KG', 'kilogram', 'mass', false);
insert into artery_erp.item (code, name, status, source, stock_unit) values
('A', 'a', 'released', 'buy', 'EA'), ('B', 'b', 'released', 'buy', 'EA');
insert into artery_erp.unit_conversion (item_code, from_quantity, from_unit, to_quantity, to_unit)
values (null, 3, 'FT', 1, 'YD'), (null, 1, 'BOX', 10, 'EA'), ('A', 1, 'BOX', 12, 'EA');

create function pg_temp.convert(p_quantity numeric, p_item text, p_from text, p_to text)
returns numeric language sql
as $$ select p_quantity * f.numerator / f.denominator from artery_erp.unit_factor(p_item, p_from, p_to) as f $$;

select is(pg_temp.convert(9, 'A', 'FT', 'YD'), 3::numeric, 'a conversion works forwards');
select is(pg_temp.convert(3, 'A', 'YD', 'FT'), 9::numeric, 'and backwards, exactly');
select is(pg_temp.convert(2, 'A', 'BOX', 'EA'), 24::numeric, 'the item''s own goes before the general one');
select is(pg_temp.convert(2, 'B', 'BOX', 'EA'), 20::numeric, 'the general one serves the others');
select is(pg_temp.convert(2, 'B', 'EA', 'EA'), 2::numeric, 'a unit is itself');
select is(pg_temp.convert(2, 'B', 'KG', 'EA'), null, 'a missing conversion is none, not 1');

select throws_ok(
    $$insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values ('YD', 3, 'FT')$$,
    '23505', null, 'a pair may not be written once each way'
);
select throws_ok(
    format(
        'insert into artery_erp.unit_conversion (from_unit, to_quantity, to_unit) values (%L, %L, %L)',
        'KG', q, 'EA'
    ), '23514', null, 'a conversion by ' || q || ' is refused'
) from unnest(array['0', '-1', 'NaN', 'Infinity']) as q;

select throws_ok(
    format('insert into artery_erp.item (code) values (%L)', c), '23514', null,
    'the item code ' || quote_literal(c) || ' is refused'
) from unnest(array['', 'А1', 'A 1', '-A']) as c;
select is(artery_erp.clean_code(E' ＡＢ－１\n'), 'AB-1', 'full-width forms are folded, spaces trimmed');

select * from finish();
rollback;
