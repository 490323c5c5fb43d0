-- The arithmetic of an invoice, a case a rule. tests/tax/test_invoice_totals.py holds it to a reference.
begin;
select plan(33);

create function pg_temp.totals(p_lines text) returns jsonb language sql as $$
    select artery_tax.invoice_totals(p_lines::jsonb) -> 'totals'
$$;
create function pg_temp.rows(p_lines text) returns text language sql as $$
    select string_agg(concat_ws(' ', r ->> 'kind', r ->> 'amount', r ->> 'tax'), ', ' order by (r ->> 'row_no')::int)
    from jsonb_array_elements(artery_tax.invoice_totals(p_lines::jsonb) -> 'lines') as r
$$;
create function pg_temp.problems(p_lines text) returns text language plpgsql as $$
declare v_detail text;
begin
    perform artery_tax.invoice_totals(p_lines::jsonb);
    return null;
exception when sqlstate 'IN501' then
    get stacked diagnostics v_detail = pg_exception_detail;
    return v_detail;
end
$$;

-- one line
select is(
    pg_temp.totals('[{"quantity": "2", "price": "50", "rate": "0.13"}]'),
    '{"amount": "100.00", "tax": "13.00", "total": "113.00"}', 'prices without tax'
);
select is(
    pg_temp.totals('[{"quantity": 2, "price": 56.5, "rate": 0.13, "tax_included": true}]'),
    '{"amount": "100.00", "tax": "13.00", "total": "113.00"}', 'prices with tax; JSON numbers do as well'
);
select is(
    pg_temp.rows('[{"quantity": "3", "price": "0.33333333", "rate": "0.13"}]'), 'normal 1.00 0.13',
    'quantity × price is rounded once, a price has 8 places'
);
select is(
    pg_temp.totals('[{"quantity": "1", "price": "100.5", "rate": "0.01"}]') ->> 'tax', '1.01',
    '1.005 is 1.01: half up, not to even'
);
select is(
    pg_temp.totals('[{"quantity": "1", "price": "0.125", "rate": "0"}]') ->> 'amount', '0.13',
    '0.125 is 0.13: an amount too'
);
select is(
    pg_temp.totals('[{"quantity": "-1", "price": "100.5", "rate": "0.01"}]'),
    '{"amount": "-100.50", "tax": "-1.01", "total": "-101.51"}', 'what is taken back mirrors it'
);
select is(
    pg_temp.totals('[{"quantity": "1", "price": "0.06", "rate": "0.13", "tax_included": true}]'),
    '{"amount": "0.05", "tax": "0.01", "total": "0.06"}', 'with tax: the buyer pays what was agreed'
);

-- tax on the sum
select is(
    pg_temp.totals('[{"quantity": 1, "price": "0.04", "rate": "0.13"}, {"quantity": 1, "price": "0.04", "rate": "0.13"},
        {"quantity": 1, "price": "0.04", "rate": "0.13"}]'),
    '{"amount": "0.12", "tax": "0.02", "total": "0.14"}', 'tax on the sum: 0.0156, not three times 0.0052'
);
select is(
    pg_temp.rows('[{"quantity": 1, "price": "0.04", "rate": "0.13"}, {"quantity": 1, "price": "0.04", "rate": "0.13"},
        {"quantity": 1, "price": "0.04", "rate": "0.13"}]'),
    'normal 0.04 0.01, normal 0.04 0.01, normal 0.04 0.00', 'and the lines add up to it'
);
select is(
    artery_tax.invoice_totals('[{"quantity": 1, "price": "10", "rate": "0.13"}, {"quantity": 1, "price": "20", "rate": "0.06"},
        {"quantity": 1, "price": "30", "rate": "0", "category": "E"}, {"quantity": 1, "price": "40", "rate": "0", "category": "O"},
        {"quantity": 1, "price": "5", "rate": "0.130"}]') -> 'taxes',
    '[{"category": "E", "rate": "0", "amount": "30.00", "tax": "0.00"}, {"category": "O", "rate": "0", "amount": "40.00", "tax": "0.00"},
      {"category": "S", "rate": "0.06", "amount": "20.00", "tax": "1.20"}, {"category": "S", "rate": "0.13", "amount": "15.00", "tax": "1.95"}]',
    'a category and rate each; 0.130 is 0.13'
);
select is(
    artery_tax.invoice_totals('[{"quantity": 1, "price": "10", "rate": "0.13"}, {"quantity": 1, "price": "11.3", "rate": "0.13", "tax_included": true}]')
    -> 'taxes', '[{"category": "S", "rate": "0.13", "amount": "20.00", "tax": "2.60"}]', 'both kinds of prices in one document'
);
select is(
    pg_temp.totals('[{"quantity": "999999999999.99", "price": "1", "rate": "0.13", "tax_included": true}]'),
    '{"amount": "884955752212.38", "tax": "115044247787.61", "total": "999999999999.99"}', 'large amounts are exact'
);

-- discounts and charges
select is(
    pg_temp.rows('[{"quantity": 3, "price": "33.333", "rate": "0.13", "discount": "10"}]'),
    'discounted 100.00 13.00, discount -10.00 -1.30', 'a discount is a row that follows its line'
);
select is(
    (artery_tax.invoice_totals('[{"quantity": 1, "price": 10, "rate": "0.13", "discount_rate": "0.05", "name": "Pump", "spec": "CP"}]') #> '{lines,1}')
    - array['row_no', 'line_no', 'category', 'tax_included', 'rate'],
    '{"kind": "discount", "name": "Pump", "spec": "CP", "amount": "-0.50", "tax": "-0.06", "total": "-0.56"}',
    'by a rate; it has its line''s name, and neither quantity nor price'
);
select is(
    pg_temp.rows('[{"quantity": 1, "price": "11.31", "rate": "0.13", "tax_included": true, "discount_rate": "1"}, {"quantity": 1, "price": 1, "rate": "0.13"}]'),
    'discounted 10.01 1.30, discount -10.01 -1.30, normal 1.00 0.13', 'given away whole: the two rows cancel each other'
);
select is(
    pg_temp.rows('[{"quantity": 4, "price": "10", "rate": "0.13", "charge": "2"}]'), 'normal 42.00 5.46', 'a charge is part of its line'
);
select is(
    artery_tax.invoice_totals('[{"quantity": 4, "price": "10", "rate": "0.13", "charge": "2"}]') #>> '{lines,0,price}', '10.5',
    'and of its price, so that quantity × price stays the amount'
);
select is(
    pg_temp.totals('[{"quantity": -4, "price": "10", "rate": "0.13", "charge": "2", "discount": "1"}]'),
    '{"amount": "-41.00", "tax": "-5.33", "total": "-46.33"}', 'taken back with its charge and its discount'
);

-- what is stated is checked
select is(
    pg_temp.rows('[{"quantity": 3, "price": "3.33", "rate": "0.13", "amount": "10.01"}]'), 'normal 10.01 1.30',
    'a stated amount within 0.02 stands'
);
select is(
    pg_temp.problems('[{"quantity": 3, "price": "3.33", "rate": "0.13", "amount": "10.02"}]'),
    'Line 1: amount 10.02 is not quantity × price ± charges, 9.99.', 'one further off does not'
);
select is(pg_temp.problems('[{"quantity": 1, "price": 100, "rate": "0.13", "tax": "13.06"}]'), null, 'a stated tax within 0.06');
select is(
    pg_temp.problems('[{"quantity": 1, "price": 100, "rate": "0.13", "tax": "13.07"}]'),
    'Line 1: tax 13.07 is not amount × rate, 13.', 'and one further off'
);

-- all that is wrong, at once
select matches(
    pg_temp.problems('[{"quantity": "0", "price": "-3", "rate": "13"}, {"line_no": 7, "quantity": "NaN", "price": "1e3", "rate": "0.13", "category": "E"},
        {"quantity": 1, "price": 1, "rate": 0.1}, 7]'),
    '^Line 1: quantity must .*, price must .*, rate must .*\. Line 4: is no object, .*\. Line 7: quantity must .*, price must .*, rate 0.13 does not go with category E\.$',
    'every problem of every line, and only those'
);
select matches(pg_temp.problems('[{"line_no": 1, "quantity": 1, "price": 1, "rate": 0}, {"line_no": 1, "quantity": 1, "price": 1, "rate": 0}]'),
    'line_no comes twice', 'lines are told apart');
select matches(pg_temp.problems('[{"quantity": 1, "price": 5, "rate": 0, "discount": "5.01"}]'), 'discount 5.01 is more than the amount 5.00',
    'a discount is no credit');
select matches(pg_temp.problems('[{"quantity": 1, "price": 5, "rate": 0, "discount": 1, "discount_rate": 0.1}]'), 'both discount and', 'one of the two');
select matches(pg_temp.problems('[{"quantity": 1, "price": 5, "rate": 0, "discount": "0.001", "charge": "x"}]'), 'charge must .*, discount must', 'whole cents');
select matches(pg_temp.problems('[{"quantity": 1, "price": "1.123456789", "rate": 0}]'), 'price must', '9 places are too many');
select matches(pg_temp.problems('[{"quantity": 1, "price": 1, "rate": 0, "tax_included": "yes"}]'), 'tax_included must', 'a boolean is none of its names');
select matches(pg_temp.problems('[{"quantity": 1e300, "price": 1, "rate": 0}]'), 'quantity must', 'numbers have a size');
select throws_ok($$select artery_tax.invoice_totals('[]')$$, 'IN501', 'invoice lines that do not add up', 'no lines, no invoice');
select throws_ok($$select artery_tax.invoice_totals(null)$$, 'IN501', null, 'nor without any');

select is(
    artery_tax.invoice_totals('[{"quantity": 1, "price": 1, "rate": "0.13", "tax_class_code": "0100000000000000019"}]') #>> '{lines,0,tax_class_code}',
    '0100000000000000019', 'what else a line says is carried along, 19 digits as text'
);
select * from finish();
rollback;
