/* The one place where balances are locked, in the one order (item, warehouse, lot). Rows that are
   missing are inserted in the same order by the same statement: two transactions that make the same
   rows the other way round would wait for each other as surely as two that lock them.
   The conflict's action is never taken, yet its row is locked; nothing is written.
   Whoever locks documents too (orders) does that before. One call a transaction: a second one would
   begin a second order. What is read of balances before counts for nothing: read again after. */
create or replace function artery_erp._lock_balances(
    p_items text[], p_warehouses text[], p_lots text[]
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_erp.stock_balance as b (item_code, warehouse_code, lot_no)
    select
        k.item_code,
        k.warehouse_code,
        k.lot_no
    from unnest(p_items, p_warehouses, p_lots) as k (item_code, warehouse_code, lot_no)
    group by k.item_code, k.warehouse_code, k.lot_no
    order by
        k.item_code collate "C",
        k.warehouse_code collate "C",
        k.lot_no collate "C"
    on conflict (item_code, warehouse_code, lot_no) do update
    set reserved = 0
    where false;
end
$function$;

comment on function artery_erp._lock_balances(text[], text[], text[]) is
'Locks the balances of these keys (three arrays of one length) in the global order, makes those that are missing';
revoke execute on function artery_erp._lock_balances(text[], text[], text[]) from public;
