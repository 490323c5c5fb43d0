set local role artery_owner;

-- a draft that was cancelled has never been anybody else's business, either
alter policy supplier_reads on artery_erp.purchase_order
using (
    supplier_code = any(array(
        select r.supplier_code from artery_erp.supplier_role as r
        where pg_catalog.pg_has_role(r.login, 'usage')
    ))
    and (version > 0 or status in ('approved', 'closed'))
);
