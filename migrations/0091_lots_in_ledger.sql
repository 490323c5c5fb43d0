set local role artery_owner;

/* Where the ledger moved lots. The index that it replaces had every move, of items without lots
   too: one value for each item, which cost two thirds of writing a move and was read by nothing;
   moves of an item since a moment are found by posted_at.
   It takes one read of the ledger, in which nothing is posted. Where that is too long, make it
   before with `create index concurrently`, under the same name. */
-- squawk-ignore require-concurrent-index-creation
create index if not exists stock_move_lot_idx on artery_erp.stock_move (item_code, lot_no)
where lot_no <> '';
-- squawk-ignore require-concurrent-index-deletion
drop index if exists artery_erp.stock_move_item_lot_idx;
