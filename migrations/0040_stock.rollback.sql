drop table if exists artery_erp.stock_reservation;
drop table if exists artery_erp.stock_move;
drop table if exists artery_erp.stock_posting;
drop table if exists artery_erp.accounting_period;
drop table if exists artery_erp.stock_balance;
drop table if exists artery_erp.lot;
alter table artery_erp.item drop column if exists negative_stock;
alter table artery_erp.warehouse drop column if exists negative_stock;
