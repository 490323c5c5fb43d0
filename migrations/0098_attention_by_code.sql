set local role artery_owner;

-- both get columns: what a page needs to say the line in another language. The code makes them anew
-- squawk-ignore ban-drop-function -- columns are added at the end
drop function if exists artery_monitor.attention();
-- squawk-ignore ban-drop-function -- columns are added at the end
drop function if exists artery_tax.invoice_attention();
