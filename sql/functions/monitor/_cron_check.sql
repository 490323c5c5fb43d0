/* Does pg_cron call artery.tick()? Its tables show each user the jobs of his own alone, and are
   there only where it is installed: hence dynamic, and hence what a superuser sees counts. */
create or replace function artery_monitor._cron_check()
returns table (subject text, state text, found text, mend text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_job record;
    v_jobs integer := 0;
begin
    -- @plpgsql_check_options: security_warnings = off, extra_warnings = off, performance_warnings = off
    if to_regnamespace('cron') is null then
        return;  -- the line `extension pg_cron` says what that costs
    end if;
    if not has_schema_privilege('cron', 'usage') then
        return query select
            'pg_cron', 'info', 'its jobs are not for this role to see',
            'Ask as a superuser, or look at artery_monitor.sweep_status: are its steps on time?';
        return;
    end if;
    if to_regclass('cron.job') is null then
        return;
    end if;
    for v_job in execute
        $sql$
        select
            j.active,
            r.status as outcome,
            left(r.return_message, 200) as message,
            coalesce(r.start_time, statement_timestamp()) < statement_timestamp() - interval '3 minutes' as silent
        from cron.job as j
        left join lateral (
            select d.status, d.return_message, d.start_time
            from cron.job_run_details as d
            where d.jobid = j.jobid
            order by d.runid desc
            limit 1
        ) as r on true
        where j.database = current_database() and j.command ilike '%artery.tick%'
        $sql$
    loop
        v_jobs := v_jobs + 1;
        return query select
            'pg_cron',
            case when v_job.active and not v_job.silent and v_job.outcome is distinct from 'failed' then 'ok' else 'warning' end,
            case
                when not v_job.active then 'its job is switched off'
                when v_job.silent then 'it has not run for minutes: its scheduler is dead'
                else coalesce(v_job.outcome || coalesce(': ' || v_job.message, ''), 'scheduled, has not run yet')
            end,
            case
                when not v_job.active then 'select artery.unschedule_sweeps(); select artery.schedule_sweeps();'
                when v_job.silent then 'Runners sweep meanwhile. Restart the server: pg_cron does not bring its scheduler back.'
                when v_job.outcome = 'failed' then 'Mend what its message says; runners sweep meanwhile. See cron.job_run_details.'
            end;
    end loop;
    if v_jobs = 0 then
        return query select
            'pg_cron', 'warning', 'installed, and no job of it calls artery.tick()',
            'Without a runner nothing is swept: select artery.schedule_sweeps();';
    end if;
end
$function$;
comment on function artery_monitor._cron_check() is 'What artery_monitor.doctor() says of pg_cron; nothing where it is not installed';
grant execute on function artery_monitor._cron_check() to artery_reader;
