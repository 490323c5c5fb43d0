/* What an answer does to its invoice. Only one that agrees with the request is written; one that
   contradicts it is an alarm and changes nothing, since somebody's books are wrong then, and a
   program cannot know whose. An answer to an earlier request of the same invoice counts only if it
   says that one was issued: then there may be two. */
create or replace function artery_tax.handle_invoice_reply(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_order_no text := p_reply ->> 'document_id';
    v_task_id bigint := (p_reply ->> 'task_id')::bigint;
    v_code integer := (p_reply ->> 'status_code')::integer;
    v_sent boolean := p_reply ->> 'outcome' = 'sent';
    v_answer jsonb := nullif(p_reply -> 'body', 'null');
    v_invoice record;
    v_read jsonb := jsonb_build_object();
    v_differences jsonb;
    v_query boolean;
    v_current boolean;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the name was resolved to a function when the profile was stored
    select
        v.status,
        v.request_id,
        v.profile,
        g.reply_function,
        g.topic_prefix
    into v_invoice
    from artery_erp.ar_invoice as v
    inner join artery_tax.gateway_profile as g on g.name = v.profile
    where v.order_no = v_order_no and p_reply ->> 'document_type' = 'ar_invoice'
    for update of v;
    if not found then
        raise exception using
            errcode = 'IN505',
            message = format('task %s asked for no invoice', v_task_id),
            detail = format('Topic %s, document %s.', p_reply ->> 'topic', v_order_no),
            hint = 'Only routes that artery_tax.request_invoice uses can have this reply handler.';
    end if;
    if jsonb_typeof(v_answer) = 'object' then
        execute format('select %s($1, $2)', split_part(v_invoice.reply_function, '(', 1))
        into v_read using v_answer, v_invoice.profile;
    end if;
    v_query := p_reply ->> 'topic' = v_invoice.topic_prefix || '.invoice.query';
    v_current := v_invoice.status in ('requested', 'refused', 'undelivered')
        and (v_query or (p_reply ->> 'request_id')::uuid = v_invoice.request_id);

    if v_sent and v_read ->> 'status' = 'issued' then
        v_differences := artery_tax._differences(
            v_order_no,
            -- an answer need not say which request it is for; the task does
            case when v_query then '{}' else jsonb_build_object('request_id', p_reply ->> 'request_id') end || v_read
        );
        if v_invoice.status in ('draft', 'cancelled') then
            v_differences := coalesce(v_differences, '[]') || jsonb_build_object(
                'field', 'status', 'asked', v_invoice.status, 'answered', v_read ->> 'said'
            );
        end if;
        if v_differences is not null then
            perform artery_tax._raise_alarm(v_order_no, v_task_id, v_differences, v_read, v_answer);
        elsif v_current then
            perform artery_tax._write_answer(v_order_no, v_read, v_answer);
        end if;
    elsif not v_current then
        if v_invoice.status in ('issued', 'partly_red', 'red') and v_read ->> 'status' = 'failed' then
            perform artery_tax._raise_alarm(v_order_no, v_task_id, jsonb_build_array(jsonb_build_object(
                'field', 'status', 'asked', v_invoice.status, 'answered', v_read ->> 'said'
            )), v_read, v_answer);
        end if;
    elsif v_read ->> 'status' = 'failed'
        or not v_sent and not v_query and v_code between 400 and 499 and v_code not in (408, 425, 429)
    then
        perform artery_tax._refuse(v_order_no, 'refused', coalesce(
            v_read ->> 'reason', p_reply #>> '{body,detail}', p_reply #>> '{body,title}',
            p_reply #>> '{error,message}', format('HTTP %s', v_code)
        ), v_answer);
    elsif v_sent and v_read ->> 'status' = 'processing' or not v_sent and v_query and v_code is distinct from 404 then
        perform artery_tax._ask_later(v_order_no, v_answer);
    elsif v_sent or v_query or p_reply #>> '{error,kind}' = 'too_large' then
        -- it may have been issued, and nothing says so, or not any more
        perform artery_tax._raise_alarm(v_order_no, v_task_id, jsonb_build_array(jsonb_build_object(
            'field', 'status', 'asked', 'issued, processing or failed',
            'answered', coalesce(v_read ->> 'said', p_reply #>> '{error,message}', format('HTTP %s', v_code))
        )), v_read, v_answer);
    else
        perform artery_tax._refuse(
            v_order_no, 'undelivered', coalesce(p_reply #>> '{error,message}', 'no answer'), null
        );
    end if;
end
$function$;

comment on function artery_tax.handle_invoice_reply(jsonb) is
'Reply handler of all requests and queries for invoices: writes number, code, date, status and the whole answer to the invoice; an answer '
'that contradicts the request becomes a row of artery_tax.invoice_alarm instead. Errors: IN505 the task asked for no invoice';
revoke execute on function artery_tax.handle_invoice_reply(jsonb) from public;
