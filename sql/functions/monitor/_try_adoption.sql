/* Tries the way an order takes to the MES, and a report to the ERP, with an order that is there.
   All that it does is undone; what cannot be (sequences, a mail that is sent) is the site's. */
create or replace function artery_monitor._try_adoption()
returns table (part text, severity text, problem text, remedy text)
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_view constant text := artery_erp.adopted('production_order');
    v_mo_no text;
    v_quantity text;
    v_reasons jsonb;
    v_answer jsonb;
    v_error text;
begin
    -- @plpgsql_check_options: security_warnings = off, performance_warnings = off
    execute format(
        'select o.mo_no, o.quantity from %s as o where o.status in (''released'', ''in_progress'') order by o.mo_no limit 1',
        v_view
    )
    into v_mo_no, v_quantity;
    if v_mo_no is null then
        return query
        select
            'production_order', 'advice', 'no order is released: the way to the MES and back was not tried',
            'Release one in the ERP, then check again.';
        return;
    end if;
    begin
        delete from artery_mes.adopted_order as o where o.mo_no = v_mo_no;
        delete from artery_mes.mo_dispatch as d where d.mo_no = v_mo_no;
        v_reasons := artery_mes.push_adopted(v_mo_no);
        if artery_erp.adopted('production_report') is not null then
            -- a source of its own: it cannot be taken for a report that is there
            v_answer := artery_staging.receive(
                'artery_staging.mes_production_report', 'artery adopt', gen_random_uuid()::text,
                jsonb_build_object('mo_no', v_mo_no, 'good', v_quantity)
            );
        end if;
        raise exception using
            errcode = 'IN087',
            message = 'tried, and undone',
            detail = format('Order %s.', v_mo_no),
            hint = 'Nothing is to be done.';
    exception
        when sqlstate 'IN087' then
            null;
        when others then
            v_error := sqlerrm;
    end;
    return query
    select
        'production_order',
        'wrong',
        format('order %s cannot be told to the MES: %s', v_mo_no, coalesce(v_error, r.reason ->> 'message')),
        'Mend the view, or the order.'
    from jsonb_array_elements(coalesce(v_reasons, case when v_error is null then '[]' else '[{}]'::jsonb end)) as r (reason);
    return query
    select
        'production_report',
        'wrong',
        format('a report on order %s is refused: %s', v_mo_no, r.reason ->> 'message'),
        coalesce(r.reason ->> 'hint', 'Is it a rule of the ERP? Then it is right so. Else mend the function.')
    from jsonb_array_elements(v_answer -> 'reasons') as r (reason)
    where v_answer ->> 'status' = 'rejected';
end
$function$;
comment on function artery_monitor._try_adoption() is
'Tries one order and one report of the adopted ERP from end to end, and undoes it';
revoke execute on function artery_monitor._try_adoption() from public;
