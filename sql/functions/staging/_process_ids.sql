-- Error of one row by itself: rejects it, or puts it off where the fault is none of its own
create or replace function artery_staging._fail(
    p_table text, p_ids bigint[], p_reason jsonb, p_transient boolean
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names of tables are checked where they are registered
    execute format(
        $sql$
        update %s as s
        set
            status = case when not $3 then 'rejected' else s.status end,
            processed_at = case when not $3 then clock_timestamp() end,
            attempts = s.attempts + 1,
            -- of several it is not known whose fault it was: at once again, in smaller parts
            due_at = case
                when $3 and cardinality($1) = 1 then clock_timestamp()
                    + least(0.25 * 2 ^ least(s.attempts, 20), 600) * interval '1 second'
                else s.due_at
            end,
            reasons = jsonb_build_array($2)
        where s.id = any($1)
        $sql$,
        p_table
    ) using p_ids, p_reason, p_transient;
end
$function$;
comment on function artery_staging._fail(text, bigint[], jsonb, boolean) is
'Rejects rows whose processing failed, or puts them off';

/* Runs the processor in a subtransaction. If it raises, halves the batch until the guilty one is
   alone: k bad ones of n make k * (log2(n) + 1) runs fail at most. What interrupts from outside
   (SQLSTATE classes 40, 53, 55, 57, 58) is no fault of the row: it is due again, later each time.

   A statement timeout (57014) strikes once a statement; after it nothing bounds what runs. So the
   batch is put back, to be tried in ever smaller parts (artery_staging._process), and the caller
   has to stop: false. A row that alone outlasts the timeout five times is rejected. */
create or replace function artery_staging._process_ids(
    p_table text, p_processor text, p_ids bigint[], p_until timestamptz
)
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_half integer := cardinality(p_ids) / 2;
    v_state text;
    v_message text;
    v_detail text;
    v_hint text;
    v_constraint text;
    v_attempts integer;
    v_transient boolean;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- a processor's name was resolved to a function when it was registered
    begin
        set constraints all deferred;
        execute format('select %s($1)', split_part(p_processor, '(', 1)) using p_ids;
        perform artery_staging._settle(p_table, p_ids);
        -- what was deferred fails here, in its own subtransaction, and not at the commit
        set constraints all immediate;
        return true;
    exception when others or assert_failure or query_canceled then
        get stacked diagnostics
            v_state = returned_sqlstate,
            v_message = message_text,
            v_detail = pg_exception_detail,
            v_hint = pg_exception_hint,
            v_constraint = constraint_name;
    end;

    if v_half > 0 and v_state <> '57014' then
        return
            clock_timestamp() >= p_until
            or artery_staging._process_ids(p_table, p_processor, p_ids[:v_half], p_until)
            and (
                clock_timestamp() >= p_until
                or artery_staging._process_ids(p_table, p_processor, p_ids[v_half + 1:], p_until)
            );
    end if;

    execute format('select s.attempts from %s as s where s.id = $1', p_table)
    into v_attempts
    using p_ids[1];
    v_transient :=
        left(v_state, 2) in ('40', '53', '55', '57', '58')
        and not (v_half = 0 and v_state = '57014' and v_attempts >= 6);
    perform artery_staging._fail(
        p_table, p_ids,
        case
            when v_constraint like '%\_accepted\_key' then artery_staging._conflict()
            else artery._reason(
                v_state, concat_ws(': ', v_message, nullif(v_detail, '')), nullif(v_hint, '')
            )
        end,
        v_transient
    );
    return v_state <> '57014';
end
$function$;
comment on function artery_staging._process_ids(text, text, bigint[], timestamptz) is
'Has the processor do these rows, down to the guilty ones where it fails; false: a statement timeout struck';
