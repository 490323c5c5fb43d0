-- the code of before makes them anew, without the columns
drop function if exists artery_monitor.attention();
drop function if exists artery_tax.invoice_attention();
