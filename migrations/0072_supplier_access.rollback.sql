do $policies$
declare
    v record;
    v_name regclass;
begin
    for v in
        select
            p.polrelid::regclass as name,
            p.polname
        from pg_catalog.pg_policy as p
        where p.polname in ('erp', 'supplier_reads', 'supplier_inserts')
    loop
        execute format('drop policy %I on %s', v.polname, v.name);
    end loop;
    foreach v_name in array array[
        'artery_erp.supplier', 'artery_erp.purchase_order', 'artery_erp.purchase_order_line',
        'artery_erp.asn_document', 'artery_erp.asn_line', 'artery_procurement.po_dispatch',
        'artery_procurement.po_reply', 'artery_procurement.po_reply_line',
        'artery_staging.supplier_asn', 'artery_staging.supplier_po_reply'
    ]::regclass[]
    loop
        execute format('alter table %s no force row level security', v_name);
        execute format('alter table %s disable row level security', v_name);
    end loop;
end
$policies$;
drop table if exists artery_erp.supplier_role;
drop table if exists artery_erp.supplier_right;
