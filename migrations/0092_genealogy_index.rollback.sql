set local role artery_owner;
create index if not exists stock_move_lot_idx on artery_erp.stock_move (item_code, lot_no)
where lot_no <> '';
drop index if exists artery_erp.stock_move_lot_moved_idx;
