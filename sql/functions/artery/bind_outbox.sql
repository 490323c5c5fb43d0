/* The trigger behind artery.bind_outbox. TG_ARGV: topic, condition, payload, document id, ordering
   key; all but the topic are SQL expressions over new and old. Definer, so that the ERP's own
   roles need no right here: they can make it do nothing but what the binding says. The expressions
   therefore see what artery_owner may see. */
create or replace function artery.outbox_binding()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_holds boolean;
    v_payload jsonb;
    v_document_id text;
    v_ordering_key text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the expressions are code by design, those of an administrator
    execute artery._binding_query(tg_argv[1], tg_argv[2], tg_argv[3], tg_argv[4])
    into v_holds, v_payload, v_document_id, v_ordering_key
    using
        case when tg_op = 'DELETE' then old else new end,
        case when tg_op = 'INSERT' then null else old end;

    if v_holds then
        perform artery.enqueue_task(
            p_topic => tg_argv[0],
            p_body => v_payload,
            p_document_type => format('%I.%I', tg_table_schema, tg_table_name),
            p_document_id => v_document_id,
            p_ordering_key => v_ordering_key
        );
    end if;
    return null;
end
$function$;
comment on function artery.outbox_binding() is
'Trigger of tables bound by artery.bind_outbox: enqueues one task for each row that its condition '
'lets through';
grant execute on function artery.outbox_binding() to artery_admin;

create or replace function artery._binding_query(
    p_when text, p_payload text, p_document_id text, p_ordering_key text
)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $function$
select format(
    'select (%1$s) as holds, case when (%1$s) then (%2$s)::jsonb end as payload, (%3$s)::text as document_id, '
    '(%4$s)::text as ordering_key from (select ($1).*) as new cross join (select ($2).*) as old',
    coalesce(p_when, 'true'), p_payload, coalesce(p_document_id, 'null'), coalesce(p_ordering_key, 'null')
)
$function$;
comment on function artery._binding_query(text, text, text, text) is
'The query that a binding runs over new ($1) and old ($2)';

-- Tries the expressions as the trigger will: as artery_owner, on a row of the table's type
create or replace function artery._try_binding(
    p_row anyelement, p_when text, p_payload text, p_document_id text, p_ordering_key text
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_query text := artery._binding_query(p_when, p_payload, p_document_id, p_ordering_key);
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the expressions are code by design, those of an administrator
    -- a payload whose condition does not hold for the row tried is not even planned below: this looks
    -- at its names and rights without running it
    execute 'explain ' || artery._binding_query('true', p_payload, p_document_id, p_ordering_key)
    using p_row, p_row;
    execute v_query using p_row, p_row;
exception
    when null_value_not_allowed or data_exception then
        -- the row tried is all null: a payload that cannot do with that is not wrong for it
        return;
    when others then
        raise exception using
            errcode = 'IN013',
            message = format('the binding''s expressions do not work: %s', sqlerrm),
            detail = format('SQLSTATE %s in: %s', sqlstate, v_query),
            hint = 'Expressions know new and old (a row of the table each), name functions and tables with their schema, '
                'and run as artery_owner: grant it what they read.';
end
$function$;
comment on function artery._try_binding(anyelement, text, text, text, text) is
'Raises IN013 if a binding''s expressions cannot run';
grant execute on function artery._try_binding(anyelement, text, text, text, text) to artery_admin;

/* Invoker: only who may put a trigger on the table can bind it. The condition stands in the
   trigger's own WHEN where it can, so that rows it does not concern cost next to nothing; on
   INSERT one that mentions old cannot, and is evaluated by the trigger instead, with old all null.
*/
create or replace function artery.bind_outbox(
    p_table regclass,
    p_topic text,
    p_when text default null,
    p_payload text default 'to_jsonb(new)',
    p_document_id text default null,
    p_ordering_key text default null,
    p_events text[] default '{insert,update}'
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_event text;
begin
    if not exists (select from artery.route as r where r.topic = p_topic) then
        raise exception using
            errcode = 'IN001',
            message = format('unknown topic %L', p_topic),
            detail = format('Table %s cannot be bound to a topic that has no route.', p_table),
            hint = 'Add the route first: insert into artery.route (topic, endpoint_id, path_template) ...';
    end if;
    if (cardinality(p_events) > 0 and p_events <@ array['insert', 'update', 'delete']) is not true then
        raise exception using
            errcode = 'IN013',
            message = 'p_events must name insert, update or delete',
            detail = format('Given: %s.', p_events),
            hint = 'The default is {insert,update}.';
    end if;
    execute format('select artery._try_binding(null::%s, $1, $2, $3, $4)', p_table)
    using p_when, p_payload, p_document_id, p_ordering_key;

    perform artery.unbind_outbox(p_table, p_topic);
    foreach v_event in array p_events loop
        begin
            perform artery._create_binding(
                p_table, p_topic, v_event, p_when, null, p_payload, p_document_id, p_ordering_key
            );
        exception when invalid_object_definition or undefined_column or undefined_table
            or syntax_error then
            perform artery._create_binding(
                p_table, p_topic, v_event, null, p_when, p_payload, p_document_id, p_ordering_key
            );
        end;
    end loop;
end
$function$;
comment on function artery.bind_outbox(regclass, text, text, text, text, text, text[]) is
'Attaches the outbox to any table: each row that p_when (over new, old) lets through enqueues '
'p_payload under p_topic, in the same transaction. Called again it replaces the binding. Errors: '
'IN001 unknown topic, IN013 bad binding';
grant execute on function artery.bind_outbox(
    regclass, text, text, text, text, text, text[]
) to artery_admin;

create or replace function artery._create_binding(
    p_table regclass, p_topic text, p_event text, p_native_when text, p_when text, p_payload text,
    p_document_id text, p_ordering_key text
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off
    -- p_event is one of three words, p_table a regclass; the condition is an administrator's code
    execute format(
        'create trigger %I after %s on %s for each row %s execute function artery.outbox_binding(%L, %L, %L, %L, %L)',
        case
            when length(p_topic) <= 49 then 'artery_' || p_event || '_' || p_topic
            else left('artery_' || p_event || '_' || p_topic, 30) || '_' || md5(p_topic)
        end, p_event, p_table,
        coalesce('when (' || p_native_when || ')', ''),
        p_topic, coalesce(p_when, 'true'), p_payload, coalesce(p_document_id, 'null'), coalesce(p_ordering_key, 'null')
    );
end
$function$;
comment on function artery._create_binding(regclass, text, text, text, text, text, text, text) is
'Creates one trigger of a binding, with its condition in WHEN (p_native_when) or in its arguments '
'(p_when)';
grant execute on function artery._create_binding(
    regclass, text, text, text, text, text, text, text
) to artery_admin;

create or replace function artery.unbind_outbox(p_table regclass, p_topic text)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_name name;
    v_count integer := 0;
begin
    -- @plpgsql_check_options: performance_warnings = off
    -- volatile, though it cannot see that: the statement it builds drops
    for v_name in
        select t.tgname
        from pg_catalog.pg_trigger as t
        where
            t.tgrelid = p_table
            and t.tgfoid = 'artery.outbox_binding'::regproc
            and split_part(encode(t.tgargs, 'escape'), '\000', 1) = p_topic
    loop
        execute format('drop trigger %I on %s', v_name, p_table);
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;
comment on function artery.unbind_outbox(regclass, text) is
'Detaches the outbox from a table for one topic; tasks already enqueued go on. Returns how many '
'triggers were dropped';
grant execute on function artery.unbind_outbox(regclass, text) to artery_admin;
