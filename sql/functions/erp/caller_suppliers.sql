/* For definer functions, inside which current_user is their owner. The setting "role" is what SET
   ROLE put there: only a role that the session may assume, and "none" without it. Inheritance
   counts, mere membership does not: a pooled login that is NOINHERIT acts for nobody until it says
   `set local role`. */
create or replace function artery_erp.caller_suppliers(out sees_all boolean, out codes text[])
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_caller name := case current_setting('role')
        when 'none' then session_user
        else current_setting('role')::name
    end;
begin
    sees_all :=
        pg_has_role(v_caller, 'artery_app', 'usage')
        or pg_has_role(v_caller, 'artery_reader', 'usage')
        or pg_has_role(v_caller, 'artery_owner', 'usage');
    codes := array(
        select r.supplier_code
        from artery_erp.supplier_role as r
        where pg_has_role(v_caller, r.login, 'usage')
        order by r.supplier_code
    );
end
$function$;
comment on function artery_erp.caller_suppliers() is
'Which suppliers the caller of a definer function acts for; sees_all: it is of the ERP''s own roles';
revoke execute on function artery_erp.caller_suppliers() from public;
