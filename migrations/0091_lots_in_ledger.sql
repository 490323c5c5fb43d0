-- transactional: false

/* Where the ledger moved lots. The index that it replaces had every move, of items without lots
   too: one value for each item, which cost two thirds of writing a move and was read by nothing;
   moves of an item since a moment are found by posted_at. Posting goes on while it is made. */
create index concurrently if not exists stock_move_lot_idx
on artery_erp.stock_move (item_code, lot_no)
where lot_no <> '';
drop index concurrently if exists artery_erp.stock_move_item_lot_idx;
