/* The row is stored first and processed in a subtransaction: whatever is wrong with the message, it
   is kept with its reasons. Inserted or found, it is locked: of two that bring the same message the
   second waits and gives the first one's answer. */
create or replace function artery_staging.receive(
    p_table text, p_source text, p_message_id text, p_body anyelement
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '10s'
set jit = off
as $function$
declare
    v_inbox record;
    v_source text := coalesce(p_source, session_user);
    v_message_id text := coalesce(
        p_message_id, 'sha256:' || encode(sha256(convert_to(p_body::text, 'UTF8')), 'hex')
    );
    v_hash bigint := hashtextextended(p_body::text, 0);
    v_id bigint;
    v_waits boolean;
    v_ids bigint[];
    v_answer jsonb;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names of tables are checked where they are registered
    select i.*
    into v_inbox
    from artery_staging._inbox(p_table) as i;
    if p_body is null then
        raise exception using
            errcode = 'null_value_not_allowed',
            message = 'the message is empty',
            detail = format('Inbox %s, source %s.', p_table, v_source),
            hint = 'Send the document as the one argument, or as the body of the call.';
    end if;

    execute format(
        $sql$
        insert into %1$s (source, message_id, body)
        select $1, $2, $3
        where not exists (
            select from %1$s as c
            where c.source = $1 and c.message_id = $2 and c.history @> $4
        )
        on conflict do nothing
        returning id
        $sql$,
        p_table
    )
    into v_id
    using v_source, v_message_id, p_body, artery_staging._was(v_hash);
    execute format(
        $sql$
        select s.id, s.status in ('new', 'parked')
        from %s as s
        where
            s.id = $1
            or $1 is null and s.source = $2 and s.message_id = $3
            and (s.body_hash = $4 or s.history @> artery_staging._was($4))
        order by s.id
        limit 1
        for update
        $sql$,
        p_table
    )
    into strict v_id, v_waits
    using v_id, v_source, v_message_id, v_hash;

    if v_waits then
        v_ids := artery_staging._reject_conflicts(p_table, array[v_id]);
        if v_ids is not null then
            perform artery_staging._process_ids(p_table, v_inbox.processor, v_ids, 'infinity');
        end if;
    end if;

    execute format(
        $sql$
        select jsonb_strip_nulls(jsonb_build_object('id', s.id, 'status', s.status, 'reasons', s.reasons))
            || case when s.result is null then '{}' else jsonb_build_object('result', s.result) end
        from %s as s
        where s.id = $1
        $sql$,
        p_table
    )
    into strict v_answer
    using v_id;
    return v_answer;
end
$function$;

comment on function artery_staging.receive(text, text, text, anyelement) is
'Stores a message (text or jsonb), processes it at once and answers {"id", "status", "result" or "reasons"}; status '
'new or parked = kept, and tried again. The same message again: the first answer. p_source null = the session''s user, '
'p_message_id null = the body''s SHA-256. Errors: IN017 no such inbox, 22004 no body, 23514 against the table''s limits';
revoke execute on function artery_staging.receive(text, text, text, anyelement) from public;
