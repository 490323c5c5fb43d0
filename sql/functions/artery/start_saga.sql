/* In the caller's transaction: the saga, its first task and whatever follows at once (steps that
   are functions) are committed with the business change or not at all.
   Reads saga_definition, saga_step; writes saga, saga_step_run. */
create or replace function artery.start_saga(
    p_saga text,
    p_context jsonb default '{}',
    p_key text default null,
    p_document_type text default null,
    p_document_id text default null
)
returns bigint
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_id bigint;
    v_first record;
begin
    if jsonb_typeof(p_context) is distinct from 'object' then
        raise exception using
            errcode = 'IN014',
            message = 'the context of a saga must be a JSON object',
            detail = format('Saga %L, given: %s.', p_saga, coalesce(jsonb_typeof(p_context), 'null')),
            hint = 'Give p_context as {"name": value, ...}: what the steps need, and their undoing.';
    end if;

    insert into artery.saga (name, version, key, context, document_type, document_id)
    select d.name, d.version, p_key, p_context, p_document_type, p_document_id
    from artery.saga_definition as d
    where d.name = p_saga and exists (select from artery.saga_step as st where st.saga = d.name)
    on conflict on constraint saga_key_key do nothing
    returning id into v_id;

    if v_id is null then
        select
            s.id,
            s.context
        into v_first
        from artery.saga as s
        where s.name = p_saga and s.key = p_key;
        if not found then
            raise exception using
                errcode = 'IN020',
                message = format('there is no saga %L', p_saga),
                detail = 'No row of artery.saga_definition has this name, or it has no steps.',
                hint = 'Define it first: a row in saga_definition, one in saga_step for each step.';
        end if;
        if v_first.context <> p_context then
            raise exception using
                errcode = 'IN021',
                message = format('saga %s has the key %L and another context', v_first.id, p_key),
                detail = format('Saga %L.', p_saga),
                hint = 'Another order is another saga: give it a key of its own.';
        end if;
        return v_first.id;
    end if;

    insert into artery.saga_step_run (saga_id, position, name, plan)
    select v_id, st.position, st.name, jsonb_strip_nulls(to_jsonb(st) - array['saga', 'position', 'name'])
    from artery.saga_step as st
    where st.saga = p_saga;
    perform artery._note_saga(v_id, 'started');
    perform artery._advance_saga(v_id);

    select
        r.name,
        r.error
    into v_first
    from artery.saga_step_run as r
    where r.saga_id = v_id and r.status = 'failed'
    order by r.position
    limit 1;
    if found then
        raise exception using
            errcode = 'IN025',
            message = format('saga %L could not begin: %s', p_saga, v_first.error ->> 'message'),
            detail = format(
                'Step %L, SQLSTATE %s. %s',
                v_first.name, v_first.error ->> 'sqlstate', v_first.error ->> 'detail'
            ),
            hint = coalesce(v_first.error ->> 'hint', 'Nothing was started: mend it, start again.');
    end if;
    return v_id;
end
$function$;
comment on function artery.start_saga(text, jsonb, text, text, text) is
'Starts a saga in the caller''s transaction and gives its id; same key and context again: the first one''s id. Errors: IN014 '
'bad argument, IN020 unknown saga, IN021 key reused with another context, IN025 a step failed at once: nothing was started';
grant execute on function artery.start_saga(text, jsonb, text, text, text) to artery_app;
