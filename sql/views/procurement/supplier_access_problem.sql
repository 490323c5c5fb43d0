create or replace view artery_procurement.supplier_access_problem
with (security_invoker = true) as
select
    r.login::text as subject,
    artery_procurement.sees_too_much(r.login) as problem,
    'Take that from it, or artery_procurement.revoke_supplier.' as mend
from artery_erp.supplier_role as r
where artery_procurement.sees_too_much(r.login) is not null
group by r.login
union all
select
    c.oid::regclass::text as subject,
    'Its rows are not held to the supplier they belong to.' as problem,
    format(
        'alter table %s enable row level security, force row level security', c.oid::regclass
    ) as mend
from pg_catalog.pg_class as c
where
    c.relkind = 'r'
    and not (c.relrowsecurity and c.relforcerowsecurity)
    and c.oid in (
        select to_regclass(t.object)
        from artery_erp.supplier_right as t
        where t.privilege <> 'execute'
    );

comment on view artery_procurement.supplier_access_problem is
'Suppliers'' roles that see more than their own, tables that lost their row-level security: no rows, always';
grant select on artery_procurement.supplier_access_problem to artery_reader;
