-- transactional: false
-- The lots of the ledger as artery_mes.lot_genealogy tells them, so that a filter on one finds its
-- moves; in the place of the index that knew them by the column, which no query reads.
create index concurrently if not exists stock_move_lot_moved_idx
on artery_erp.stock_move (nullif(lot_no, ''), item_code)
where nullif(lot_no, '') is not null;
drop index concurrently if exists artery_erp.stock_move_lot_idx;
