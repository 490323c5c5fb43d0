/* Cloud_Bus. Called under the lock of the order's row, so the versions of an order enter the queue
   in their order; its ordering key keeps them so on the wire. An earlier message that was refused
   or given up would hold its key back for ever: the new one, which tells the whole order, takes
   its place. */
create or replace function artery_procurement.push_po(p_supplier text, p_po_no text)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_order record;
    v_version integer;
    v_task_id bigint;
    v_action text;
    v_topic text;
    v_request_id uuid := artery._new_request_id();
begin
    select
        o.version,
        o.status,
        o.untold
    into v_order
    from artery_erp.purchase_order as o
    where o.supplier_code = p_supplier and o.po_no = p_po_no
    for no key update;
    if not found or v_order.version = 0 and not v_order.untold then
        raise exception using
            errcode = 'IN601',
            message = format('purchase order %s has nothing to tell the supplier', coalesce(p_po_no, '(null)')),
            detail = 'There is no such order, or it was never approved.',
            hint = 'Approve it: set its status to approved.';
    end if;
    v_version := v_order.version + v_order.untold::integer;
    if v_order.untold then
        -- approved and cancelled in one transaction: there is nothing to tell
        if v_order.version = 0 and v_order.status = 'cancelled' then
            v_version := 0;
        end if;
        update artery_erp.purchase_order as o
        set
            untold = false,
            version = v_version
        where o.supplier_code = p_supplier and o.po_no = p_po_no;
        perform artery_procurement.settle_replies(p_supplier, p_po_no);
        if v_version = 0 then
            return null;
        end if;
    end if;

    select d.task_id
    into v_task_id
    from artery_procurement.po_dispatch as d
    where d.supplier_code = p_supplier and d.po_no = p_po_no and d.version = v_version;
    if v_task_id is not null then
        return v_task_id;
    end if;

    perform artery.supersede_tasks(array_agg(d.task_id), format('superseded by version %s', v_version))
    from artery_procurement.po_dispatch as d
    where d.supplier_code = p_supplier and d.po_no = p_po_no and d.status in ('refused', 'undelivered');
    update artery_procurement.po_dispatch as d
    set status = 'superseded'
    from artery.integration_task as t
    where
        d.supplier_code = p_supplier
        and d.po_no = p_po_no
        and d.status = 'undelivered'
        and t.id = d.task_id
        and t.status = 'cancelled';

    v_action := case
        when v_order.status = 'cancelled' then 'cancel'
        when exists (
            select
            from artery_procurement.po_dispatch as d
            where
                d.supplier_code = p_supplier
                and d.po_no = p_po_no
                and d.status in ('queued', 'sent', 'acknowledged')
        ) then 'change'
        else 'approve'
    end;
    v_topic := 'procurement.po.' || v_action;
    if exists (select from artery.route as r where r.topic = v_topic) then
        v_task_id := artery.enqueue_task(
            v_topic,
            artery_procurement.po_payload(p_supplier, p_po_no, v_action),
            p_request_id => v_request_id,
            p_document_type => 'purchase_order',
            p_document_id => p_po_no,
            p_ordering_key => p_supplier || ' ' || p_po_no
        );
    end if;

    insert into artery_procurement.po_dispatch as d (
        supplier_code, po_no, version, action, status, task_id, request_id
    )
    values (
        p_supplier, p_po_no, v_version, v_action,
        case when v_task_id is null then 'unrouted' else 'queued' end,
        v_task_id,
        case when v_task_id is not null then v_request_id end
    )
    on conflict (supplier_code, po_no, version) do update
    set
        action = excluded.action,
        status = excluded.status,
        task_id = excluded.task_id,
        request_id = excluded.request_id;
    return v_task_id;
end
$function$;
comment on function artery_procurement.push_po(text, text) is
'Puts the present version of an approved purchase order into the queue to the supplier cloud and returns the task''s id; '
'again: the same one. Null where no cloud is set up: kept as unrouted, to be pushed later. Errors: IN601 never approved';
grant execute on function artery_procurement.push_po(text, text) to artery_operator;
