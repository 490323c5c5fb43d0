begin;
select plan(73);
\ir _world.psql

-- the golden numbers: 260 mm a piece, scrap 10 %
select pg_temp.stock('PIPE', 'LINE', '100000');
select pg_temp.order('MO-1', 'TUBE', 250, 0.04);
select is(pg_temp.said(pg_temp.report('G1', 'MO-1', '100')), 'processed', 'a report is posted');
select is(100000 - pg_temp.on_hand('PIPE', 'LINE'), 28600::numeric, '100 received: 28,600 issued');
select is(pg_temp.said(pg_temp.report('G2', 'MO-1', '0')), 'processed', 'a report of nothing is one');
select is(100000 - pg_temp.on_hand('PIPE', 'LINE'), 28600::numeric, '0 received: 0 issued');
select is(pg_temp.said(pg_temp.report('G3', 'MO-1', '100')), 'processed', 'the next hundred');
select is(100000 - pg_temp.on_hand('PIPE', 'LINE'), 57200::numeric, '200 received in all: 57,200 issued in all');
select is(pg_temp.said(pg_temp.report('G3', 'MO-1', '100')), 'processed', 'the same report again is the first answer');
select is(100000 - pg_temp.on_hand('PIPE', 'LINE'), 57200::numeric, 'and issues 0 more');
select is(pg_temp.said(pg_temp.report('G3', 'MO-1', '101')), 'rejected IN015', 'its id with another body is a conflict');
select is(pg_temp.on_hand('TUBE', 'FG'), 200::numeric, 'what is good is in stock');
select results_eq(
    $$select status, good from artery_erp.manufacturing_order where mo_no = 'MO-1'$$,
    $$values ('in_progress', 200::numeric)$$, 'the order knows how far it is'
);
select is(pg_temp.said(pg_temp.report('G4', 'MO-1', '49', '{"scrap": "1", "rework": 5, "reason": "dent"}')), 'processed', 'scrap');
select is(100000 - pg_temp.on_hand('PIPE', 'LINE'), 71500::numeric, 'scrap takes components as good ones do, rework none of its own');
select is(pg_temp.on_hand('TUBE', 'FG'), 249::numeric, 'but is not received');
select is(pg_temp.said(pg_temp.report('G5', 'MO-1', '12')), 'rejected IN308', '4 % more than ordered is 260, not 261');
select is(pg_temp.said(pg_temp.report('G6', 'MO-1', '11')), 'processed', '260 is');
select is((select status from artery_erp.manufacturing_order where mo_no = 'MO-1'), 'completed', 'and completes the order');
select is(
    (select version from artery_erp.manufacturing_order where mo_no = 'MO-1'), 1, 'which is no news to the MES'
);

-- triggers, line-side warehouse, lots
select pg_temp.stock('RESIN', 'LINE', '3', 'R-LATE', '2090-01-01T00:00:00Z'), pg_temp.stock('RESIN', 'LINE', '2', 'R-SOON', '2080-01-01T00:00:00Z');
select pg_temp.stock('RESIN', 'LINE', '2', 'R-NONE'), pg_temp.stock('RESIN', 'LINE', '9', 'R-BAD', '2079-01-01T00:00:00Z'),
    pg_temp.stock('RESIN', 'LINE', '9', 'R-OLD', '2020-01-01T00:00:00Z');
update artery_erp.lot set status = 'blocked' where lot_no = 'R-BAD';
select pg_temp.stock('BOLT', 'CAGE', '30'), pg_temp.stock('BOLT', 'LINE', '500'), pg_temp.stock('BOLT-B', 'CAGE', '21'),
    pg_temp.stock('LABEL', 'LINE', '12');
select pg_temp.order('MO-2', 'KIT', 12);
select is(artery_staging.process('artery_staging.mes_production_report'), 1, 'the release asks for what is issued at release');
select is(
    (select pg_temp.said(to_jsonb(s)) from artery_staging.mes_production_report as s where s.message_id = 'release:MO-2'),
    'parked IN107', 'there is no box: it waits'
);
select is(pg_temp.said(pg_temp.report('K1', 'MO-2', '8', '{"operation_no": 10}')), 'processed', 'operation 10');
select is(
    array[pg_temp.issued('MO-2', 10), pg_temp.issued('MO-2', 20), pg_temp.issued('MO-2', 30)],
    array[4, 0, 0]::numeric[], 'takes what stands at operation 10'
);
select results_eq(
    $$select m.lot_no collate "default", -m.quantity from artery_erp.stock_move as m
    inner join artery_mes.production_report as r using (posting_id) where r.report_id = 'K1' order by m.line_no$$,
    $$values ('R-SOON', 2.0), ('R-LATE', 2.0)$$, 'first what expires first; nothing blocked or expired'
);
select is(pg_temp.on_hand('KIT', 'FG'), 0::numeric, 'what is good at an operation in between is not finished');
select is(pg_temp.said(pg_temp.report('K2', 'MO-2', '8', '{"operation_no": 20}')), 'processed', 'operation 20');
select results_eq(
    $$select m.item_code collate "default", m.warehouse_code collate "default", -m.quantity, m.covers from artery_erp.stock_move as m
    inner join artery_mes.production_report as r using (posting_id) where r.report_id = 'K2' order by m.line_no$$,
    $$values ('BOLT', 'CAGE', 30::numeric, 30::numeric), ('BOLT-B', 'CAGE', 4, 2)$$,
    'bolts from their own warehouse, then the substitute at its ratio, traced'
);
select is(pg_temp.said(pg_temp.report('K3', 'MO-2', '5')), 'rejected IN307', 'a finished lot needs its number');
select is(pg_temp.said(pg_temp.report('K4', 'MO-2', '5', '{"lot": "F-1"}')), 'parked IN107', 'what is finished needs a box');
select results_eq(
    $$select item_code collate "default", warehouse_code collate "default", missing, reports from artery_mes.shortage_queue$$,
    $$values ('BOX', 'LINE', 3::numeric, 2::bigint)$$, 'the shortage queue says what is missing'
);
select is(pg_temp.issued('MO-2', 30), 0::numeric, 'a parked report has changed nothing');
select pg_temp.stock('BOX', 'LINE', '2');
select is(artery_staging.process('artery_staging.mes_production_report'), 2, 'when it arrives, what waits for it is due');
select is_empty('select * from artery_mes.shortage_queue', 'and posts itself');
select is(pg_temp.issued('MO-2', 40), 2::numeric, 'the release has issued boxes for all, whole ones');
select is(
    array[pg_temp.issued('MO-2', 10), pg_temp.issued('MO-2', 20), pg_temp.issued('MO-2', 30)],
    array[4, 32, 5]::numeric[], 'of what operations took before, what is finished takes no more'
);
select is(pg_temp.on_hand('KIT', 'FG', 'F-1'), 5::numeric, 'the finished lot is in stock');
select is(
    pg_temp.said(pg_temp.report('K5', 'MO-2', '4', '{"lot": "F-2", "components": [
        {"line_no": 10, "item": "RESIN", "lot": "R-NONE", "quantity": "1.5"}]}')),
    'processed', 'a report may name what it took'
);
select is(pg_temp.issued('MO-2', 10), 5.5, 'which counts; only the rest is backflushed, here none');
select is(pg_temp.on_hand('RESIN', 'LINE', 'R-NONE'), 0.5, 'from the lot that it names');

-- genealogy
select results_eq(
    $$select component_lot collate "default" from artery_mes.lot_genealogy
    where made_item = 'KIT' and made_lot = 'F-1' and component_item = 'RESIN' order by 1$$,
    $$values ('R-LATE'), ('R-SOON')$$, 'backwards: what went into a lot'
);
select results_eq(
    $$select made_lot collate "default" from artery_mes.lot_genealogy
    where component_item = 'RESIN' and component_lot = 'R-NONE'$$,
    $$values ('F-2')$$, 'forwards: what it went into'
);
select results_eq(
    $$select item_code, lot_no from artery_mes.trace_lot('RESIN', 'R-SOON', 'forward') order by lot_no$$,
    $$values ('KIT', 'F-1'), ('KIT', 'F-2')$$, 'through all levels'
);

-- taken by operation 10, before either lot was finished; F-1 is made by two reports
select is(pg_temp.said(pg_temp.report('K7', 'MO-2', '1', '{"lot": "F-1"}')), 'processed', 'more of a lot');
select results_eq(
    $$select component_item collate "default", component_lot collate "default", sum(quantity) from artery_mes.lot_genealogy
    where made_item = 'KIT' and made_lot = 'F-1' and via = 'order' group by 1, 2 order by 1, 2$$,
    $$values ('BOLT', null, 30::numeric), ('BOLT-B', null, 4), ('BOX', null, 2), ('RESIN', 'R-LATE', 2), ('RESIN', 'R-SOON', 2)$$,
    'what was taken for the order counts once, however many reports made the lot'
);
create function pg_temp.reads(p_query text) returns text language plpgsql as $$
declare
    v_plan text := '';
    v_line text;
begin
    set local enable_seqscan = off;
    for v_line in execute 'explain ' || p_query loop
        v_plan := v_plan || v_line || e'\n';
    end loop;
    reset enable_seqscan;
    return (select string_agg(distinct x[1], ', ' order by x[1])
        from regexp_matches(v_plan, '(?:Index|Seq)[^\n]*Scan (?:using|on) (stock_move\w*)', 'g') as x);
end $$;
select is(
    pg_temp.reads($$select * from artery_mes.lot_genealogy where made_item = 'KIT' and made_lot = 'F-1'$$),
    'stock_move_lot_moved_idx, stock_move_pkey', 'backwards, the ledger is read by the lot and by what was posted with it'
);
select is(
    pg_temp.reads($$select * from artery_mes.lot_genealogy where component_item = 'RESIN' and component_lot = 'R-NONE'$$),
    'stock_move_lot_moved_idx, stock_move_pkey', 'and so it is forwards'
);
select is(
    pg_temp.reads($$select * from artery_mes.lot_genealogy where mo_no = 'MO-2'$$), 'stock_move_pkey', 'or by the order'
);
create function pg_temp.lot_reads() returns bigint language sql as $$
    select pg_stat_get_xact_numscans('artery_erp.stock_move_lot_moved_idx'::regclass) $$;
create temp table before as select pg_temp.lot_reads() as n;
set local enable_seqscan = off;
select ok(
    (select count(*) from artery_mes.trace_lot('KIT', 'F-1')) = 6 and pg_temp.lot_reads() > (select n from before), 'so is a trace'
);
reset enable_seqscan;
select set_eq(
    $$select item_code, lot_no from artery_mes.trace_lot('BOLT-B', null, 'forward')$$,
    $$values ('KIT', 'F-1'), ('KIT', 'F-2')$$, 'a trace may begin at an item without lots'
);

-- reversal
select is(
    pg_temp.said(artery_api_v1.reverse_production_report('{"source": "mes", "report_id": "K5", "reason": "wrong lot"}')),
    'processed', 'a report is taken back'
);
select is(pg_temp.on_hand('RESIN', 'LINE', 'R-NONE'), 2::numeric, 'into the same lots');
select is(pg_temp.on_hand('KIT', 'FG', 'F-2'), 0::numeric, 'what it made is gone');
select is(pg_temp.issued('MO-2', 10), 4::numeric, 'the line knows');
select is((select good from artery_erp.manufacturing_order where mo_no = 'MO-2'), 6::numeric, 'so does the order');
select is(
    pg_temp.said(artery_api_v1.reverse_production_report('{"source": "mes", "report_id": "K5", "reason": "wrong lot"}')),
    'processed', 'asked again: the first answer'
);
select is(pg_temp.on_hand('RESIN', 'LINE', 'R-NONE'), 2::numeric, 'nothing more');
select is(
    pg_temp.said(pg_temp.report('K6', 'MO-2', '0', '{"kind": "reversal", "reverses": "K5"}')),
    'rejected IN311', 'a second reversal is refused'
);
select is_empty(
    $$select * from artery_mes.lot_genealogy where made_lot = 'F-2'$$, 'what was taken back is no ancestor'
);
select is((select status from artery_erp.manufacturing_order where mo_no = 'MO-1'), 'completed', 'a completed order');
select artery_erp.post_stock('shipment', 'test', 'S1', '[{"item": "TUBE", "warehouse": "FG", "quantity": "-255"}]');
select is(
    pg_temp.said(artery_api_v1.reverse_production_report('{"source": "mes", "report_id": "G6"}')),
    'parked IN107', 'goods that have gone: the reversal waits'
);
update artery_erp.warehouse set negative_stock = 'reject' where code = 'FG';
select is(
    pg_temp.said(artery_api_v1.reverse_production_report('{"source": "mes", "report_id": "G4"}')),
    'rejected IN107', 'or is refused, as the warehouse says'
);
select pg_temp.stock('TUBE', 'FG', '106');
select artery_staging.process('artery_staging.mes_production_report');
select results_eq(
    $$select status, good from artery_erp.manufacturing_order where mo_no = 'MO-1'$$,
    $$values ('in_progress', 249::numeric)$$, 'when they are back it is posted, and the order is open again'
);
select throws_ok(
    $$select artery_api_v1.undo_production_report('{"context": {"report_id": "NOPE", "source": "mes"}}')$$, 'IN312', null,
    'a saga hears that it cannot be undone'
);
select ok(
    artery_api_v1.undo_production_report('{"result": {"report_id": "G1", "source": "mes"}}') ? 'posting_id',
    'or that it is'
);

-- a saga that made something takes it back
create schema t;
grant usage on schema t to public;
create function t.make(p jsonb) returns jsonb language plpgsql as $$
begin
    perform artery_api_v1.production_report(p -> 'context');
    return jsonb_build_object('source', p -> 'context' -> 'source', 'report_id', p -> 'context' -> 'report_id');
end $$;
insert into artery.saga_definition (name) values ('make');
insert into artery.saga_step (saga, position, name, function, undo_function)
values ('make', 1, 'make', 't.make(jsonb)', 'artery_api_v1.undo_production_report(jsonb)');
select pg_temp.order('MO-S', 'TUBE', 10);
select artery.start_saga('make', '{"source": "shop", "report_id": "S-1", "mo_no": "MO-S", "good": "4"}', 'S-1') as saga \gset
select is(pg_temp.issued('MO-S', 10), 1144::numeric, 'a step of a saga posts a report');
select artery_erp.post_stock('shipment', 'test', 'S2', jsonb_build_array(jsonb_build_object(
    'item', 'TUBE', 'warehouse', 'FG', 'quantity', -pg_temp.on_hand('TUBE', 'FG'))));
select artery.compensate_saga(:saga, 'order withdrawn');
select is((select status from artery.saga where id = :saga), 'compensating', 'what it made has gone: it cannot be undone yet');
select is(pg_temp.issued('MO-S', 10), 1144::numeric, 'and nothing is half undone');
select pg_temp.stock('TUBE', 'FG', '4');
update artery.saga_step_run set due_at = clock_timestamp() where saga_id = :saga and due_at is not null;
select artery.saga_timeouts('infinity');
select is((select status from artery.saga where id = :saga), 'compensated', 'once it is back, the saga is undone');
select is(pg_temp.issued('MO-S', 10), 0::numeric, 'with what it took');
select is(
    (select count(*)::integer from artery_mes.production_report as r where r.mo_no = 'MO-S' and r.kind = 'reversal'), 1,
    'once'
);

-- batches are as one after the other
update artery_erp.item set negative_stock = 'allow' where code = 'PIPE';
select pg_temp.order('MO-3', 'TUBE', 10);
select pg_temp.order('MO-4', 'TUBE', 1000);
insert into artery_staging.mes_production_report (source, message_id, body)
select 'batch', n, jsonb_build_object('mo_no', case when n % 2 = 0 then 'MO-3' else 'MO-4' end, 'good', '3')
from generate_series(1, 20) as n;
select artery_staging.process('artery_staging.mes_production_report');
select results_eq(
    $$select body ->> 'mo_no', status, count(*) from artery_staging.mes_production_report
    where source = 'batch' group by 1, 2 order by 1, 2$$,
    $$values ('MO-3', 'processed', 3::bigint), ('MO-3', 'rejected', 7), ('MO-4', 'processed', 10)$$,
    'the first that fit are posted, the others are not, and hurt nobody'
);
select is(
    array[pg_temp.issued('MO-3', 10), pg_temp.issued('MO-4', 10)], array[2574, 8580]::numeric[],
    'each order has what it needs'
);
select is_empty('select * from artery_erp.stock_reconciliation', 'balances are the sums of their moves');
select is_empty(
    $$select l.mo_no, l.line_no from artery_erp.manufacturing_order_line as l
    left join artery_mes.production_report as r on r.mo_no = l.mo_no
    left join artery_erp.stock_move as m on m.posting_id = r.posting_id and m.document_line = l.line_no
    group by l.mo_no, l.line_no, l.issued having l.issued <> coalesce(sum(m.covers), 0)$$,
    'what lines were issued is what their moves say'
);

select * from finish();
rollback;
