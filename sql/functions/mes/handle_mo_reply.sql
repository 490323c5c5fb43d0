/* An answer touches the row of the version that it answers and no other: whatever comes late, what
   was said of a later version stands. Run again with the same answer it writes the same. */
create or replace function artery_mes.handle_mo_reply(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $function$
declare
    v_body jsonb := case jsonb_typeof(p_reply -> 'body') when 'object' then p_reply -> 'body' else '{}' end;
    v_status_code text := p_reply ->> 'status_code';
begin
    update artery_mes.mo_dispatch as d
    set
        status = v.status,
        reason = case
            when v.misdirected then
                format('the answer is about %s, version %s', v_body ->> 'mo_no', v_body ->> 'version')
            when v.status in ('refused', 'undelivered') then coalesce(
                v_body ->> 'reason', v_body ->> 'detail', v_body ->> 'title',
                p_reply -> 'error' ->> 'message', 'HTTP ' || v_status_code, 'no answer'
            )
            when v.status = 'sent' and v_body ? 'status' then
                format('unknown verdict %s', v_body -> 'status')
        end,
        mes_order_no = case when not v.misdirected then v_body ->> 'mes_order_no' end,
        answered_at = clock_timestamp()
    from (
        select
            m.misdirected,
            case
                when p_reply ->> 'outcome' <> 'sent' then
                    case when v_status_code like '4__' then 'refused' else 'undelivered' end
                when m.misdirected then 'refused'
                when v_body ->> 'status' in ('acknowledged', 'refused') then v_body ->> 'status'
                else 'sent'
            end as status
        from (
            select coalesce(
                p_reply ->> 'outcome' = 'sent' and (
                    v_body ->> 'mo_no' <> p.mo_no or v_body ->> 'version' <> p.version::text
                ), false
            ) as misdirected
            from artery_mes.mo_dispatch as p
            where p.task_id = (p_reply ->> 'task_id')::bigint
        ) as m
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
