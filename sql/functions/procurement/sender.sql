-- One answer for "there is none" and "it is not yours": which codes exist is nobody's business
create or replace function artery_procurement.sender(p_supplier text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_caller record;
    v_code text := artery_erp.clean_code(p_supplier);
begin
    select
        c.sees_all,
        c.codes
    into strict v_caller
    from artery_erp.caller_suppliers() as c;
    if v_code is null and not v_caller.sees_all and cardinality(v_caller.codes) = 1 then
        return v_caller.codes[1];
    end if;
    if v_code is null or not v_caller.sees_all and v_code <> all (v_caller.codes) then
        raise exception using
            errcode = 'insufficient_privilege',
            message = 'the caller does not act for that supplier',
            detail = format('Supplier %s.', coalesce(v_code, '(none named)')),
            hint = case when v_code is null
                then 'Name it: {"supplier": "..."}.'
                else 'artery_procurement.grant_supplier says which role acts for which supplier.'
            end;
    end if;
    return v_code;
end
$function$;
comment on function artery_procurement.sender(text) is
'The supplier in whose name the caller sends: the one it names and acts for; its only one where it names none; any for '
'the ERP''s own roles. Errors: 42501 it does not act for that one';
revoke execute on function artery_procurement.sender(text) from public;
