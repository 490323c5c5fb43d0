/* pg_cron takes a number of seconds from 1.5 on; before, a minute is its shortest. Runners sweep
   in between. The job is named after the database: cron.job is one table for the whole cluster.
   Invoker: only pg_cron's own rights count. */
create or replace function artery.schedule_sweeps(p_every interval default '5 seconds')
returns text
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_seconds integer := extract(epoch from p_every)::integer;
    v_version text;
    v_schedule text;
    v_job text := 'artery.tick ' || current_database();
begin
    -- @plpgsql_check_options: performance_warnings = off
    -- volatile, though it cannot see that: the statement it runs writes
    select e.extversion
    into v_version
    from pg_catalog.pg_extension as e
    where e.extname = 'pg_cron';
    if not found then
        raise exception using
            errcode = 'undefined_object',
            message = 'pg_cron is not installed in this database',
            detail = format('Database %I has no extension pg_cron.', current_database()),
            hint = 'Nothing is lost: runners call artery.tick() themselves. For sweeps without a runner: add pg_cron to '
                'shared_preload_libraries, set cron.database_name to this database, create extension pg_cron.';
    end if;
    if v_seconds not between 1 and 59 then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('the interval must be 1 to 59 seconds, not %s', p_every),
            detail = 'Sweep steps keep intervals of their own; this is only how often they are looked at.',
            hint = 'Call artery.schedule_sweeps() for every 5 seconds.';
    end if;

    v_schedule := case
        when string_to_array(split_part(v_version, '-', 1), '.')::integer[] >= array[1, 5] then v_seconds || ' seconds'
        else '* * * * *'
    end;
    execute 'select cron.schedule($1, $2, $3)' using v_job, v_schedule, 'call artery.tick()';
    return v_schedule;
end
$function$;
comment on function artery.schedule_sweeps(interval) is
'Has pg_cron call artery.tick(): every p_every from pg_cron 1.5 on, else every minute. Returns the '
'schedule it set. Errors: 42704 pg_cron missing, 22023 interval';
grant execute on function artery.schedule_sweeps(interval) to artery_admin;

create or replace function artery.unschedule_sweeps()
returns boolean
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_found boolean := false;
begin
    -- @plpgsql_check_options: performance_warnings = off
    -- volatile, though it cannot see that: the statement it runs writes
    if to_regclass('cron.job') is null then
        return false;
    end if;
    execute 'select cron.unschedule(j.jobid) from cron.job as j where j.jobname = $1'
    into v_found
    using 'artery.tick ' || current_database();
    return coalesce(v_found, false);
end
$function$;
comment on function artery.unschedule_sweeps() is
'Takes the sweep away from pg_cron; true if it was there';
grant execute on function artery.unschedule_sweeps() to artery_admin;
