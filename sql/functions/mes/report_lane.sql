/* By what is made: reports of one item take the same components and add to the same stock, so that
   each would wait for the locks of the other.

   update artery_staging.inbox set lane = 'artery_mes.report_lane(jsonb)'
   where table_name = 'artery_staging.mes_production_report'; */
create or replace function artery_mes.report_lane(p_body jsonb)
returns integer
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return hashtext((
        select mo.item_code
        from artery_erp.manufacturing_order as mo
        where mo.mo_no = artery_erp.clean_code(p_body ->> 'mo_no')
    ));
end
$function$;
comment on function artery_mes.report_lane(jsonb) is
'Lane of a production report in its inbox: a number by the item that its order makes; null where there is no such order';
revoke execute on function artery_mes.report_lane(jsonb) from public;
