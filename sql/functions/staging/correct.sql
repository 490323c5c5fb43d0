/* Rule 4 still holds for whoever sends the original again: its hash is kept in the history, where
   receive() and _reject_conflicts() look for it. */
create or replace function artery_staging.correct(
    p_table text, p_id bigint, p_body text, p_reason text, p_seen integer default null
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_table text;
    v_type text;
    v_status text;
    v_entries integer;
    v_state text;
    v_message text;
    v_detail text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names of tables are checked where they are registered
    select i.table_name into v_table from artery_staging._inbox(p_table) as i;
    if coalesce(p_reason, '') = '' or p_body is null then
        raise exception using
            errcode = 'IN014',
            message = 'a correction needs the corrected message and a reason',
            detail = format('Message %s of %s, reason %L.', p_id, v_table, p_reason),
            hint = 'Say what was wrong and who said so; it is kept in the message''s history.';
    end if;
    execute format(
        $sql$
        select s.status, jsonb_array_length(coalesce(s.history, '[]'))
        from %s as s
        where s.id = $1
        for update
        $sql$,
        v_table
    )
    into v_status, v_entries
    using p_id;
    if v_status is distinct from 'rejected' then
        raise exception using
            errcode = 'IN018',
            message = 'only rejected messages can be corrected; nothing was changed',
            detail = format('Message %s of %s: %s.', p_id, v_table, coalesce(v_status, 'not there')),
            hint = 'A message that was processed is changed by sending another one.';
    end if;
    if v_entries <> p_seen then
        raise exception using
            errcode = 'IN044',
            message = 'somebody else had the message processed again meanwhile; nothing was changed',
            detail = format('Message %s of %s: its history has %s entries, not %s.', p_id, v_table, v_entries, p_seen),
            hint = 'Look at it again, and at its history; then correct what is there now.';
    end if;

    select a.atttypid::regtype::text
    into strict v_type
    from pg_catalog.pg_attribute as a
    where a.attrelid = v_table::regclass and a.attname = 'body';
    begin
        execute format(
            $sql$
            update %s as s
            set
                status = 'new',
                attempts = 0,
                due_at = clock_timestamp(),
                processed_at = null,
                reasons = null,
                body = $2::%s,
                history = coalesce(s.history, '[]') || jsonb_strip_nulls(jsonb_build_object(
                    'at', clock_timestamp(), 'by', session_user, 'why', $3, 'reasons', s.reasons,
                    'body', s.body, 'body_hash', s.body_hash
                ))
            where s.id = $1
            $sql$,
            v_table, v_type
        ) using p_id, p_body, p_reason;
    exception
        when invalid_text_representation or untranslatable_character or check_violation or unique_violation
            or program_limit_exceeded
        then
            get stacked diagnostics
                v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail;
            raise exception using
                errcode = 'IN043',
                message = case v_state
                    when '23505' then 'another message of the same source and message_id says the same already'
                    else 'the corrected message cannot be stored: ' || v_message
                end,
                detail = coalesce(nullif(v_detail, ''), format('Message %s of %s, type %s.', p_id, v_table, v_type)),
                hint = case v_state
                    when '23505' then 'Look for it in the inbox: perhaps there is nothing left to correct.'
                    else 'Nothing was changed. Mend the text, and correct it again.'
                end;
    end;
end
$function$;

comment on function artery_staging.correct(text, bigint, text, text, integer) is
'Puts p_body in the place of a rejected message''s body and has it processed again; it keeps its id, source and message_id. '
'Who, when, why, the reasons and the body until then go to its history; the original sent again is known. p_seen: entries of '
'the history that the corrector saw, null = whatever. Errors: IN014 no reason, IN017 no such inbox, IN018 not rejected, IN043 '
'no such body can be stored, IN044 changed meanwhile';
grant execute
on function artery_staging.correct(text, bigint, text, text, integer) to artery_operator;
