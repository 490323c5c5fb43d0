create or replace function artery._json_or_text(p_text text)
returns jsonb
language plpgsql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
begin
    return p_text::jsonb;
exception when data_exception or program_limit_exceeded then
    return to_jsonb(p_text);
end
$function$;
comment on function artery._json_or_text(text) is
'The JSON that a text holds, or else the text itself as a JSON string';

create or replace function artery._is_json(p_text text)
returns boolean
language plpgsql
immutable
strict
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform p_text::json;
    return true;
exception when data_exception or program_limit_exceeded then
    return false;
end
$function$;
comment on function artery._is_json(text) is 'Whether a text is JSON; does not keep what it reads';

/* Runs in a subtransaction of its own: whatever the handler does wrong, the answer stays stored
   and the neighbours in the batch are untouched. It waits for a lock for less than PostgreSQL's
   deadlock_timeout (1 s unless changed), so that in a knot with a business transaction it is the
   handler that lets go, and is run again a little later. */
create or replace function artery._run_handler(p_task_id bigint, p_handler text, p_reply jsonb)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '250ms'
as $function$
declare
    v_message text;
    v_detail text;
    v_hint text;
    v_context text;
    v_state text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- a handler's name was resolved to a function when it was registered
    begin
        if p_handler is null then
            raise exception using
                errcode = 'query_canceled',
                message = 'put off: the batch''s handlers took too long',
                detail = 'It was not called at all.',
                hint = 'The next sweep calls it.';
        end if;
        -- what it deferred fails here, in its own subtransaction, and not at the batch's commit
        set constraints all deferred;
        execute format('select %s($1)', split_part(p_handler, '(', 1)) using p_reply;
        set constraints all immediate;
        return true;
    exception when others or assert_failure or query_canceled then
        get stacked diagnostics
            v_state = returned_sqlstate,
            v_message = message_text,
            v_detail = pg_exception_detail,
            v_hint = pg_exception_hint,
            v_context = pg_exception_context;
    end;

    insert into artery.unhandled_reply (task_id, reply)
    values (p_task_id, p_reply)
    on conflict (task_id) do update
    set
        reply = excluded.reply,
        received_at = case
            when artery.unhandled_reply.reply = excluded.reply then artery.unhandled_reply.received_at
            else excluded.received_at
        end;

    update artery.integration_task as t
    set
        handler_status = 'failed',
        handler_attempts = t.handler_attempts + 1,
        handler_due_at = clock_timestamp()
            + case
                when p_handler is null or v_state = '55P03' then 0.2
                else least(2 ^ least(t.handler_attempts, 20), 600)
            end * interval '1 second',
        handler_error = jsonb_strip_nulls(jsonb_build_object(
            'sqlstate', v_state,
            'message', v_message,
            'detail', nullif(v_detail, ''),
            'hint', nullif(v_hint, ''),
            'context', v_context,
            'at', clock_timestamp()
        ))
    where t.id = p_task_id;
    return false;
end
$function$;
comment on function artery._run_handler(bigint, text, jsonb) is
'Hands an answer to its reply handler (null: to none yet); keeps it for another run where that '
'fails. True if handled';
