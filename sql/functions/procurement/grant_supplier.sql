-- What a supplier may do is data (artery_erp.supplier_right); on which rows, the policies say
create or replace function artery_procurement._supplier_rights(p_role regrole)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_statement text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names are those of our own table, the role's is quoted by its type
    for v_statement in
        select format('grant usage on schema %I to %s', s.name, p_role)
        from (select distinct split_part(r.object, '.', 1) as name from artery_erp.supplier_right as r) as s
        union all
        select format(
            'grant %s %s on %s %s to %s',
            r.privilege, '(' || r.columns || ')', case r.privilege when 'execute' then 'function' end, r.object, p_role
        )
        from artery_erp.supplier_right as r
    loop
        execute v_statement;
    end loop;
end
$function$;
comment on function artery_procurement._supplier_rights(regrole) is 'Gives a role what a supplier may do';
revoke execute on function artery_procurement._supplier_rights(regrole) from public;

-- an upgrade may have brought what these roles have no right on yet
select artery_procurement._supplier_rights(r.login)
from pg_catalog.pg_roles as p
inner join artery_erp.supplier_role as r on p.oid = r.login
group by r.login;

create or replace function artery_procurement.grant_supplier(p_role name, p_supplier text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_problem text;
begin
    v_problem := case
        when to_regrole(quote_ident(p_role)) is null then format('There is no role %I.', p_role)
        when not exists (select from artery_erp.supplier as s where s.code = p_supplier)
            then format('There is no supplier %s.', coalesce(p_supplier, '(null)'))
        else artery_procurement.sees_too_much(to_regrole(quote_ident(p_role)))
    end;
    if v_problem is not null then
        raise exception using
            errcode = 'insufficient_privilege',
            message = format('%I cannot act for supplier %s', p_role, coalesce(p_supplier, '(null)')),
            detail = v_problem,
            hint = format('create role %I login nosuperuser; and give it nothing else.', p_role);
    end if;

    insert into artery_erp.supplier_role (login, supplier_code)
    values (quote_ident(p_role)::regrole, p_supplier)
    on conflict do nothing;
    perform artery_procurement._supplier_rights(quote_ident(p_role)::regrole);
end
$function$;
comment on function artery_procurement.grant_supplier(name, text) is
'Lets a role act for a supplier: it sees that one''s orders, notices and replies, and sends its messages. A role may act '
'for several. Errors: 42501 no such role or supplier, or the role would see more';
grant execute on function artery_procurement.grant_supplier(name, text) to artery_admin;

create or replace function artery_procurement.revoke_supplier(p_role name, p_supplier text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_role regrole := to_regrole(quote_ident(p_role));
    v_name text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names are of the catalog, the role's is quoted by its type
    delete from artery_erp.supplier_role as r
    where r.login = v_role and r.supplier_code = p_supplier;
    if not found then
        raise exception using
            errcode = 'undefined_object',
            message = format('%I does not act for supplier %s', p_role, p_supplier),
            detail = 'Nothing was changed.',
            hint = 'select * from artery_erp.supplier_role tells who does.';
    end if;
    if exists (select from artery_erp.supplier_role as r where r.login = v_role) then
        return;
    end if;
    for v_name in
        select distinct split_part(r.object, '.', 1)
        from artery_erp.supplier_right as r
    loop
        execute format('revoke all on all tables in schema %I from %s', v_name, v_role);
        execute format('revoke all on all functions in schema %I from %s', v_name, v_role);
        execute format('revoke all on schema %I from %s', v_name, v_role);
    end loop;
end
$function$;
comment on function artery_procurement.revoke_supplier(name, text) is
'Ends that a role acts for a supplier; after its last one it has no right left. Errors: 42704 it does not act for it';
grant execute on function artery_procurement.revoke_supplier(name, text) to artery_admin;
