/* How the cloud took a version; what the supplier says to it comes by itself (submit_po_reply). An
   answer touches the row of the version that it answers and no other. */
create or replace function artery_procurement.handle_po_reply(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_procurement.po_dispatch as d
    set
        status = v.status,
        reason = v.reason,
        cloud_order_no = case when not v.misdirected then v.cloud_order_no end,
        answered_at = clock_timestamp()
    from (
        select
            r.*,
            case when jsonb_typeof(p_reply -> 'body') = 'object' then p_reply #>> '{body,cloud_order_no}' end
                as cloud_order_no
        from artery_procurement.po_dispatch as p
        cross join lateral artery_erp.dispatch_verdict(p_reply, 'po_no', p.po_no, p.version) as r
        where p.task_id = (p_reply ->> 'task_id')::bigint
    ) as v
    where d.task_id = (p_reply ->> 'task_id')::bigint;

    if not found then
        raise exception using
            errcode = 'IN603',
            message = format('task %s told of no purchase order', p_reply ->> 'task_id'),
            detail = format('Topic %s, document %s.', p_reply ->> 'topic', p_reply ->> 'document_id'),
            hint = 'Only routes that artery_procurement.push_po uses can have this reply handler.';
    end if;
end
$function$;
comment on function artery_procurement.handle_po_reply(jsonb) is
'Reply handler: writes the cloud''s answer {"po_no", "version", "status": "acknowledged" | "refused", "cloud_order_no", '
'"reason"} to the dispatch it answers. A 4xx is a refusal; given up: undelivered. Errors: IN603 the task is no dispatch';
revoke execute on function artery_procurement.handle_po_reply(jsonb) from public;
