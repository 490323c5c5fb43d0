/* For a MES that has lost an order, or refused it for a reason that is gone. The version stays, so
   that nothing newer is overtaken; the Request-ID is a new one, or a MES that honours it would
   repeat its first answer. */
create or replace function artery_mes.resend_mo(p_mo_no text, p_reason text default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_dispatch record;
    v_task_id bigint;
begin
    -- in the order of push_mo: the document first
    perform
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = p_mo_no
    for update;
    perform
    from artery_mes.adopted_order as o
    where o.mo_no = p_mo_no
    for update;
    select
        d.version,
        d.task_id,
        t.status as task_status
    into v_dispatch
    from artery_mes.mo_dispatch as d
    inner join artery_mes.shop_order as o on o.mo_no = d.mo_no and o.version = d.version
    left join artery.integration_task as t on t.id = d.task_id
    where d.mo_no = p_mo_no
    for update of d;
    if not found or v_dispatch.task_id is null then
        return artery_mes.push_mo(p_mo_no);
    end if;
    if v_dispatch.task_status in ('pending', 'processing', 'failed', 'held') then
        raise exception using
            errcode = 'IN320',
            message = format('manufacturing order %s is on its way to the MES', p_mo_no),
            detail = format(
                'Version %s, task %s, status %s.',
                v_dispatch.version, v_dispatch.task_id, v_dispatch.task_status
            ),
            hint = 'Wait for its end, or artery.retry_task(task) to have it tried at once.';
    end if;
    if v_dispatch.task_status = 'dead' then
        perform artery.cancel_task(v_dispatch.task_id, 'sent anew');
    end if;

    update artery_mes.mo_dispatch as d
    set
        status = 'unrouted',
        task_id = null,
        request_id = null,
        mes_order_no = null,
        reason = null,
        answered_at = null,
        resent = d.resent + 1,
        resend_reason = p_reason
    where d.mo_no = p_mo_no and d.version = v_dispatch.version;
    v_task_id := artery_mes.push_mo(p_mo_no);
    return v_task_id;
end
$function$;

comment on function artery_mes.resend_mo(text, text) is
'Sends the present version of an order to the MES anew, under a new Request-ID; returns the task''s id. Errors: '
'IN302 never released, IN320 it is on its way';
grant execute on function artery_mes.resend_mo(text, text) to artery_operator;
