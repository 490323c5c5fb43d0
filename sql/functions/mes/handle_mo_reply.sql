/* An answer touches the row of the version that it answers and no other: whatever comes late, what
   was said of a later version stands. Run again with the same answer it writes the same. */
create or replace function artery_mes.handle_mo_reply(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_mes.mo_dispatch as d
    set
        status = v.status,
        reason = v.reason,
        mes_order_no = case when not v.misdirected then v.mes_order_no end,
        answered_at = clock_timestamp()
    from (
        select
            r.*,
            case when jsonb_typeof(p_reply -> 'body') = 'object' then p_reply #>> '{body,mes_order_no}' end
                as mes_order_no
        from artery_mes.mo_dispatch as p
        cross join lateral artery_erp.dispatch_verdict(p_reply, 'mo_no', p.mo_no, p.version) as r
        where p.task_id = (p_reply ->> 'task_id')::bigint
    ) as v
    where d.task_id = (p_reply ->> 'task_id')::bigint;

    if not found then
        raise exception using
            errcode = 'IN301',
            message = format('task %s dispatched no manufacturing order', p_reply ->> 'task_id'),
            detail = format('Topic %s, document %s.', p_reply ->> 'topic', p_reply ->> 'document_id'),
            hint = 'Only routes that artery_mes.push_mo uses can have this reply handler.';
    end if;
end
$function$;

comment on function artery_mes.handle_mo_reply(jsonb) is
'Reply handler: writes the MES''s answer {"mo_no", "version", "status": "acknowledged" | "refused", '
'"mes_order_no", "reason"} to the dispatch it answers. A 4xx is a refusal; given up: undelivered. '
'Errors: IN301 the task is no dispatch';
revoke execute on function artery_mes.handle_mo_reply(jsonb) from public;
