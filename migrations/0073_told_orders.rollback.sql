alter policy supplier_reads on artery_erp.purchase_order
using (
    supplier_code = any(array(
        select r.supplier_code from artery_erp.supplier_role as r
        where pg_catalog.pg_has_role(r.login, 'usage')
    ))
    and status <> 'draft'
);
