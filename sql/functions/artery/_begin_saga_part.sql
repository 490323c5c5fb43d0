/* Begins one part of a step: its 'action', 'undo' or 'query'. In a subtransaction of its own: a
   function that fails leaves nothing behind. Only what may go well by itself a moment later
   (serialization, locks, resources) is passed on as an error, for the caller's retry.
   The caller has the saga locked. Reads saga, saga_step_run; writes integration_task. */
create or replace function artery._begin_saga_part(
    p_saga_id bigint, p_position smallint, p_part text, p_not_before timestamptz default null
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_prefix constant text := case p_part when 'action' then '' else p_part || '_' end;
    v_run record;
    v_topic text;
    v_function text;
    v_input jsonb;
    v_request jsonb;
    v_unknown text;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
begin
    select
        r.name,
        r.plan,
        r.request_id,
        r.compensation,
        r.result,
        s.document_type,
        s.document_id
    into strict v_run
    from artery.saga_step_run as r
    inner join artery.saga as s on s.id = r.saga_id
    where r.saga_id = p_saga_id and r.position = p_position;
    v_topic := v_run.plan ->> (v_prefix || 'topic');
    v_function := v_run.plan ->> (v_prefix || 'function');
    v_input := v_run.compensation || case p_part
        when 'action' then '{}'
        else jsonb_build_object(
            'request_id', artery._new_request_id(), 'undoes', v_run.request_id, 'result', v_run.result
        )
    end;

    begin
        if v_function is not null then
            execute format('select %s($1)', split_part(v_function, '(', 1))
            into v_request
            using v_input;
        end if;
        if v_topic is null then
            return jsonb_build_object('result', v_request);
        end if;

        v_request := coalesce(v_request, jsonb_build_object(
            'body', case p_part
                when 'action' then v_input -> 'context'
                when 'undo' then v_input - array['saga', 'step', 'results']
            end,
            'path_params', (v_input -> 'context')
            || jsonb_build_object('request_id', v_run.request_id)
            || case jsonb_typeof(v_run.result) when 'object' then v_run.result else '{}' end
        ));
        select string_agg(k.name, ', ')
        into v_unknown
        from jsonb_object_keys(v_request) as k (name)
        where
            k.name not in (
                'body', 'raw_body', 'path_params', 'headers', 'ordering_key',
                'document_type', 'document_id'
            );
        if v_unknown is not null then
            raise exception using
                errcode = 'IN024',
                message = format('%s returned unknown keys: %s', v_function, v_unknown),
                detail = format('Saga %s, step %L, topic %L.', p_saga_id, v_run.name, v_topic),
                hint = 'Return {"body": ...} and, where needed, path_params, headers, '
                'ordering_key, document_type, document_id; or raw_body in place of body.';
        end if;

        return jsonb_build_object('task', artery.enqueue_task(
            p_topic => v_topic,
            p_body => v_request -> 'body',
            p_raw_body => v_request ->> 'raw_body',
            p_request_id => (v_input ->> 'request_id')::uuid,
            p_document_type => coalesce(v_request ->> 'document_type', v_run.document_type),
            p_document_id => coalesce(v_request ->> 'document_id', v_run.document_id),
            -- a task that is undone holds its key until the undo is through: an undo that queued
            -- behind it would never go
            p_ordering_key => case p_part when 'action' then v_request ->> 'ordering_key' end,
            p_due_at => p_not_before,
            p_path_params => v_request -> 'path_params',
            p_headers => v_request -> 'headers',
            p_compensation => v_input || jsonb_build_object('part', p_part, 'position', p_position)
            || case p_part
                when 'action' then jsonb_build_object('undo', jsonb_build_object(
                    'topic', v_run.plan -> 'undo_topic', 'function', v_run.plan -> 'undo_function'
                ))
                else '{}'
            end
        ));
    exception when others or assert_failure then
        get stacked diagnostics
            v_state = returned_sqlstate,
            v_message = message_text,
            v_detail = pg_exception_detail,
            v_hint = pg_exception_hint;
        if left(v_state, 2) in ('40', '53', '55', '57', '58') then
            raise;
        end if;
        return jsonb_build_object('error', jsonb_strip_nulls(jsonb_build_object(
            'sqlstate', v_state,
            'message', v_message,
            'detail', nullif(v_detail, ''),
            'hint', nullif(v_hint, '')
        )));
    end;
end
$function$;
comment on function artery._begin_saga_part(bigint, smallint, text, timestamptz) is
'Runs the function or enqueues the task of a step''s action, undo or query; gives {"task": id}, {"result": ...} or {"error": {...}}';
