/* Push_to_MES_Queue. Called under the lock of the order's row, so the versions of an order enter
   the queue in their order; its ordering key keeps them so on the wire.
   An earlier message that was refused or given up would hold its key back for ever. As each message
   tells the whole order, the new one takes its place.
   Reads shop_order, route; writes mo_dispatch, integration_task. */
create or replace function artery_mes.push_mo(p_mo_no text)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_mo record;
    v_action text;
    v_topic text;
    v_task_id bigint;
    v_request_id uuid := artery._new_request_id();
    v_setting record;
    v_payload jsonb;
begin
    perform
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = p_mo_no
    for update;
    if not found then
        perform
        from artery_mes.adopted_order as o
        where o.mo_no = p_mo_no
        for update;
    end if;
    select
        o.version,
        o.status,
        d.task_id
    into v_mo
    from artery_mes.shop_order as o
    left join artery_mes.mo_dispatch as d on d.mo_no = o.mo_no and d.version = o.version
    where o.mo_no = p_mo_no and o.version > 0;
    if not found then
        raise exception using
            errcode = 'IN302',
            message = format('manufacturing order %s has nothing to tell the MES', coalesce(p_mo_no, '(null)')),
            detail = 'There is no such order, or it was never released.',
            hint = 'Release it: artery_erp.release_manufacturing_order(mo_no).';
    end if;
    if v_mo.task_id is not null then
        return v_mo.task_id;
    end if;

    perform artery.supersede_tasks(array_agg(d.task_id), format('superseded by version %s', v_mo.version))
    from artery_mes.mo_dispatch as d
    where d.mo_no = p_mo_no and d.status in ('refused', 'undelivered');

    update artery_mes.mo_dispatch as d
    set status = 'superseded'
    from artery.integration_task as t
    where
        d.mo_no = p_mo_no
        and d.status = 'undelivered'
        and t.id = d.task_id
        and t.status = 'cancelled';

    v_action := case
        when v_mo.status = 'cancelled' then 'cancel'
        when (
            select d.action
            from artery_mes.mo_dispatch as d
            where d.mo_no = p_mo_no and d.status in ('queued', 'sent', 'acknowledged')
            order by d.version desc
            limit 1
        ) <> 'cancel' then 'change'
        else 'create'
    end;
    v_topic := 'mes.mo.' || v_action;
    if exists (select from artery.route as r where r.topic = v_topic) then
        select
            s.format,
            s.sender
        into strict v_setting
        from artery_mes.setting as s;
        v_payload := artery_mes.mo_payload(p_mo_no, v_action);
        v_task_id := artery.enqueue_task(
            v_topic,
            case when v_setting.format = 'json' then v_payload end,
            p_raw_body => case
                when v_setting.format <> 'json' then artery_mes.b2mml_schedule(
                    v_payload, v_setting.format, v_setting.sender, v_request_id
                )
            end,
            p_request_id => v_request_id,
            p_document_type => 'manufacturing_order',
            p_document_id => p_mo_no,
            p_ordering_key => p_mo_no
        );
    end if;

    insert into artery_mes.mo_dispatch as d (mo_no, version, action, status, task_id, request_id)
    values (
        p_mo_no, v_mo.version, v_action,
        case when v_task_id is null then 'unrouted' else 'queued' end,
        v_task_id,
        case when v_task_id is not null then v_request_id end
    )
    on conflict (mo_no, version) do update
    set
        action = excluded.action,
        status = excluded.status,
        task_id = excluded.task_id,
        request_id = excluded.request_id;
    return v_task_id;
end
$function$;

comment on function artery_mes.push_mo(text) is
'Puts the present version of a released order into the queue to the MES and returns the task''s id; again: '
'the same one. Null where no MES is set up: the order is kept as unrouted, to be pushed later. Errors: '
'IN302 no such order, or never released';
grant execute on function artery_mes.push_mo(text) to artery_operator;
