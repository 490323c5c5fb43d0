/* Decides tasks whose outcome is open: after a 202, after an attempt of unknown outcome, and by
   each answer to the question that follows. Called for these few alone.

   sent     it took effect
   dead     the receiver refused it, or it was never seen and all attempts are used up
   failed   asked again (with an inquiry), or sent again (without): the receiver never saw it
   held     open at the deadline. The last question is one that reached the receiver
   null     there is nobody to ask: whatever the caller makes of it without */
create or replace function artery._inquire(
    p_topic text, p_task_id bigint, p_request_id uuid, p_document_id text, p_inquiry jsonb,
    p_attempts_left boolean, p_status_code integer, p_error_class text, p_answer text,
    p_headers jsonb, p_now timestamptz
)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_route record;
    v_why text := coalesce(
        p_inquiry ->> 'why', case p_status_code when 202 then 'accepted' else 'in_doubt' end
    );
    v_inquiry jsonb := p_inquiry;
    v_failed integer;
    v_answer jsonb;
    v_verdict text := 'open';
begin
    select
        r.status_interval,
        r.status_done,
        r.status_failed,
        r.status_absent,
        r.status_overdue
    into v_route
    from artery.route as r
    where r.topic = p_topic;

    if p_inquiry is null then
        v_inquiry := artery._begin_inquiry(
            v_why, p_topic, p_task_id, p_request_id, p_document_id, p_answer,
            p_headers ->> 'location', p_now
        );
        if v_inquiry is null then
            return case when v_why = 'accepted' then jsonb_build_object(
                'status', 'held',
                'error_class', 'accepted',
                'message', 'accepted (202), and the answer does not say where to ask for the outcome'
            ) end;
        end if;
        return jsonb_build_object(
            'status', 'failed',
            'error_class', case v_why when 'accepted' then v_why else p_error_class end,
            'message', case v_why when 'accepted' then 'accepted (202): the outcome is asked for' end,
            'inquiry', v_inquiry,
            'wait', v_route.status_interval
        );
    end if;

    if p_status_code = 404 then
        v_verdict := 'absent';
    elsif p_status_code = 303 then
        v_verdict := 'done';
    elsif p_error_class is null then
        v_answer := artery._json_or_text(p_answer);
        v_verdict := case
            when jsonb_path_match(v_answer, v_route.status_failed, '{}', true) then 'refused'
            when jsonb_path_match(v_answer, v_route.status_absent, '{}', true) then 'absent'
            when v_route.status_done is null and p_status_code <> 202 then 'done'
            when jsonb_path_match(v_answer, v_route.status_done, '{}', true) then 'done'
            else 'open'
        end;
    end if;
    if v_verdict = 'absent'
        and (v_why = 'accepted' or p_now < (v_inquiry ->> 'absent_from')::timestamptz)
    then
        v_verdict := 'open';
    end if;
    if v_verdict = 'open' and p_now >= (v_inquiry ->> 'until')::timestamptz
        and p_error_class is distinct from 'own_fault'
    then
        v_verdict := 'overdue';
    end if;

    v_failed := case
        when p_error_class is null or p_status_code = 404 then 0
        else coalesce((v_inquiry ->> 'failed')::integer, 0) + 1
    end;
    return case v_verdict
        when 'done' then jsonb_build_object('status', 'sent')
        when 'refused' then jsonb_build_object(
            'status', 'dead',
            'error_class', 'refused',
            'message', 'refused, says the receiver when asked'
        )
        when 'absent' then jsonb_build_object(
            'status', case when p_attempts_left then 'failed' else 'dead' end,
            'error_class', 'absent',
            'message', 'the receiver never saw it'
        )
        when 'overdue' then jsonb_build_object(
            'status', coalesce(v_route.status_overdue, 'held'),
            'error_class', 'overdue',
            'message', format('outcome still open at the deadline, %s', v_inquiry ->> 'until')
        )
        else jsonb_strip_nulls(jsonb_build_object(
            'status', 'failed',
            'error_class', case when p_status_code = 404 then v_why else coalesce(p_error_class, v_why) end,
            'inquiry', v_inquiry || jsonb_build_object('failed', v_failed),
            'wait', case
                when v_failed = 0 then v_route.status_interval
                else least(
                    v_route.status_interval * 2 ^ least(v_failed, 10),
                    greatest(v_route.status_interval, interval '5 minutes')
                )
            end
        ))
    end;
end
$function$;
comment on function artery._inquire(
    text, bigint, uuid, text, jsonb, boolean, integer, text, text, jsonb, timestamptz
) is
'What becomes of a task whose outcome is open, as {"status", "error_class", "message", "inquiry", '
'"wait"}; null = nobody can be asked';
