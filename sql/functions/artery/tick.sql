create or replace function artery._due_steps()
returns setof text
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select s.name
from artery.sweep_step as s
where s.enabled and s.next_run_at <= clock_timestamp()
order by s.position, s.name
$function$;
comment on function artery._due_steps() is 'Sweep steps that are due now, in their order';
grant execute on function artery._due_steps() to artery_runner, artery_admin;

-- Committed before the step runs, so that one that takes the server down with it comes again only
-- at its interval
create or replace function artery._start_step(p_name text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery.sweep_step as s
    set
        backend_pid = pg_backend_pid(),
        started_at = clock_timestamp(),
        next_run_at = clock_timestamp() + s.every
    where
        s.name = (
            select d.name
            from artery.sweep_step as d
            where d.name = p_name and d.enabled and d.next_run_at <= clock_timestamp()
            for update skip locked
        );
    return found;
end
$function$;
comment on function artery._start_step(text) is
'Takes a due sweep step for this session; false if another has it';
grant execute on function artery._start_step(text) to artery_runner, artery_admin;

create or replace function artery._run_step(p_name text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
-- short work, over and over: a plan that looks dear would be compiled for longer than it runs
set jit = off
as $function$
declare
    v_step record;
    v_until timestamptz;
    v_work bigint;
    v_outcome text;
    v_state text;
    v_message text;
    v_context text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- a step's name was resolved to a function when it was registered
    -- a step still at work in another session is left to it
    if not pg_try_advisory_xact_lock(hashtextextended('artery.sweep_step.' || p_name, 0)) then
        return;
    end if;
    select
        s.function,
        s.argument,
        s.time_limit
    into v_step
    from artery.sweep_step as s
    where s.name = p_name;
    v_until := clock_timestamp() + v_step.time_limit;

    begin
        execute format(
            case when v_step.argument is null then 'select %s($1)' else 'select %s($1, %L)' end,
            v_step.function, v_step.argument
        ) into v_work using v_until;
        -- what it deferred fails here and not at the commit, which would end the whole tick
        set constraints all immediate;
        v_outcome := case when clock_timestamp() < v_until then 'done' else 'partial' end;
    exception when others or assert_failure or query_canceled then
        get stacked diagnostics
            v_state = returned_sqlstate,
            v_message = message_text,
            v_context = pg_exception_context;
        v_outcome := 'failed';
    end;

    update artery.sweep_step as s
    set
        ended_at = clock_timestamp(),
        outcome = v_outcome,
        work = v_work,
        error = case when v_outcome = 'failed' then jsonb_build_object(
            'sqlstate', v_state, 'message', v_message, 'context', v_context, 'at', clock_timestamp()
        ) end,
        -- what fails waits for its time, however much it has left
        next_run_at = case
            when v_outcome = 'failed' and s.next_run_at = '-infinity' then clock_timestamp() + s.every
            else s.next_run_at
        end,
        runs = s.runs + 1,
        failures = s.failures + (v_outcome = 'failed')::integer
    where s.name = p_name;
end
$function$;
comment on function artery._run_step(text) is
'Runs a sweep step in a subtransaction until its time limit and records what came of it';
grant execute on function artery._run_step(text) to artery_runner, artery_admin;

-- A step that has more to do sets its own next_run_at to -infinity
create or replace function artery._has_more(p_name text)
returns boolean
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(bool_or(
    s.next_run_at = '-infinity' and clock_timestamp() < s.started_at + s.time_limit
), false)
from artery.sweep_step as s
where s.name = p_name and s.enabled
$function$;
comment on function artery._has_more(text) is
'Whether a step asks to be run again at once, in a transaction of its own';
grant execute on function artery._has_more(text) to artery_runner, artery_admin;

/* Commits between steps: a slow or failing one neither holds locks nor takes the others down. For
   that it may have neither SECURITY DEFINER nor a SET clause; what it calls has. */
create or replace procedure artery.tick()
language plpgsql
as $procedure$
declare
    v_name pg_catalog.text;
begin
    -- it commits, so it can have no search_path of its own: what it names, it names in full
    foreach v_name in array array(select s.name from artery._due_steps() as s (name)) loop
        if artery._start_step(v_name) then
            commit;
            perform artery._run_step(v_name);
            while artery._has_more(v_name) loop
                commit;
                perform artery._run_step(v_name);
            end loop;
        end if;
        commit;
    end loop;
end
$procedure$;
comment on procedure artery.tick() is -- noqa: LT01
'The one entry point of everything on a clock: runs the due steps of artery.sweep_step. Any number '
'at once is safe';
grant execute on procedure artery.tick to artery_runner, artery_admin;
