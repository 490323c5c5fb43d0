/* Gives one report to the function that the site's ERP posts with. What that function raises is the
   verdict on the report and no fault of ours, but for what time mends (SQLSTATE classes 40, 53, 55,
   57, 58): that goes up to the driver of the inbox, which tries again later.
   The caller holds the order's row in artery_mes.adopted_order. */
create or replace function artery_mes.hand_over_report(
    p_message artery_mes.report_message, p_body jsonb, p_try integer
)
returns artery_mes.report_verdict
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_order constant jsonb := artery_erp.adopted_order(p_message.mo_no);
    v_known artery_mes.adopted_order;
    v_final boolean;
    v_reasons jsonb;
    v_answer jsonb;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the name was made by artery_erp.adopt, quoted
    select o.*
    into v_known
    from artery_mes.adopted_order as o
    where o.mo_no = p_message.mo_no;
    v_reasons := artery_mes._adopted_report_problems(p_message, v_order);
    if v_reasons is not null then
        return row(
            p_message.id,
            case when v_order ->> 'status' = 'held' and jsonb_array_length(v_reasons) = 1 then 'parked' else 'rejected' end,
            null,
            v_reasons
        )::artery_mes.report_verdict;
    end if;

    v_final := p_message.operation_no is null or p_message.operation_no is not distinct from (
        select max((o.operation ->> 'operation_no')::integer)
        from jsonb_array_elements(v_order -> 'operations') as o (operation)
    );
    begin
        execute format('select %s($1)', artery_erp.adopted('production_report'))
        into v_answer
        using p_body || jsonb_build_object(
            'source', p_message.source,
            'report_id', p_message.report_id,
            'try', p_try,
            'mo_no', p_message.mo_no,
            'good', p_message.good,
            'scrap', p_message.scrap,
            'rework', p_message.rework,
            'reported_at', p_message.reported_at,
            'final', v_final,
            'total', jsonb_build_object(
                'good', coalesce(v_known.good, 0) + case when v_final then p_message.good else 0 end,
                'scrap', coalesce(v_known.scrap, 0) + case when v_final then p_message.scrap else 0 end,
                'rework', coalesce(v_known.rework, 0) + case when v_final then p_message.rework else 0 end
            )
        );
        if jsonb_typeof(v_answer) not in ('object', 'null') then
            raise exception using
                errcode = 'IN086',
                message = format('%s answered %s', artery_erp.adopted('production_report'), left(v_answer::text, 100)),
                detail = 'What it did is undone.',
                hint = 'It has to answer an object (posted) or null (not yet), or raise (refused).';
        end if;
    exception when others or assert_failure then
        get stacked diagnostics
            v_state = returned_sqlstate,
            v_message = message_text,
            v_detail = pg_exception_detail,
            v_hint = pg_exception_hint;
        if left(v_state, 2) in ('40', '53', '55', '57', '58') then
            raise;
        end if;
        return row(p_message.id, 'rejected', null, jsonb_build_array(artery._reason(
            v_state, concat_ws(': ', v_message, nullif(v_detail, '')), nullif(v_hint, '')
        )))::artery_mes.report_verdict;
    end;

    if coalesce(jsonb_typeof(v_answer), 'null') = 'null' then
        return row(p_message.id, 'parked', null, jsonb_build_array(artery._reason(
            'IN082', 'the ERP has the report and has not answered yet',
            'It is asked again by itself. If this lasts, look at what works through the ERP''s own queue.'
        )))::artery_mes.report_verdict;
    end if;
    if v_final then
        update artery_mes.adopted_order as o
        set
            good = o.good + p_message.good,
            scrap = o.scrap + p_message.scrap,
            rework = o.rework + p_message.rework
        where o.mo_no = p_message.mo_no;
    end if;
    return row(
        p_message.id, 'processed', jsonb_build_object('mo_no', p_message.mo_no, 'erp', v_answer), null
    )::artery_mes.report_verdict;
end
$function$;
comment on function artery_mes.hand_over_report(artery_mes.report_message, jsonb, integer) is
'Gives one report (p_try: 1, and one more each time it was processed again) to the function that is adopted for '
'production_report; gives what became of it. Transient errors of that function are raised';
revoke execute on function artery_mes.hand_over_report(
    artery_mes.report_message, jsonb, integer
) from public;
