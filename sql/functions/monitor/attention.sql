/* What somebody has to look at now, worst first. Few lines: this is what pages people. code and
   params say the same as found and mend do in English: a page in another language is made of
   them. */
create or replace function artery_monitor.attention()
returns table (severity text, subject text, found text, mend text, code text, params jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $function$
with channel as materialized (
    select
        w.*,
        e.name as endpoint,
        case when e.enabled then coalesce(b.state, 'closed') else 'disabled' end as breaker
    from artery_monitor.open_work as w
    inner join artery.endpoint as e on e.id = w.endpoint_id
    left join artery.breaker as b on b.endpoint_id = e.id
),

lines as (
    select
        'critical' as severity,
        'sending' as subject,
        'nothing is sent: ' || s.why as found,
        s.mend,
        'sending_' || s.fault as code,
        jsonb_build_object('by', s.armed_by, 'since', s.armed_at, 'reason', s.reason) as params
    from artery.arming_status() as s
    where not s.armed
    union all
    select
        'critical',
        'sweeps',
        format('%s steps are overdue or never ran: %s', count(*), string_agg(s.name, ', ' order by s.name)),
        'Nobody calls artery.tick(): start `artery run`, or call artery.schedule_sweeps() where pg_cron is installed.',
        'sweeps_overdue',
        jsonb_build_object('count', count(*), 'steps', string_agg(s.name, ', ' order by s.name))
    from artery_monitor.sweep_status as s
    where s.state in ('overdue', 'never run')
    having count(*) > 0
    union all
    select
        'warning',
        'sweep ' || s.name,
        coalesce(s.error, 'failed'),
        'See artery.sweep_step.error; it is tried again at its interval.',
        'sweep_failed',
        jsonb_build_object('error', s.error)
    from artery_monitor.sweep_status as s
    where s.state = 'failed'
    union all
    select
        'critical',
        'runners',
        format('no runner is alive, %s tasks are due', w.due),
        'Start `artery run`. artery_monitor.runner_status tells when the last one was seen.',
        'no_runner',
        jsonb_build_object('due', w.due)
    from (select coalesce(sum(m.waiting), 0) as due from channel as m) as w
    where
        w.due > 0
        and not exists (select from artery_monitor.runner_status as r where r.state in ('working', 'idle'))
    union all
    select
        'warning',
        'runner ' || r.name,
        format('process %s on %s is silent since %s', r.pid, r.host, date_trunc('second', r.seen_at)),
        'Its tasks have gone to others when their leases ended. Look at its host; its row goes away by itself.',
        'runner_silent',
        jsonb_build_object('pid', r.pid, 'host', r.host, 'since', r.seen_at)
    from artery_monitor.runner_status as r
    where r.state = 'silent'
    union all
    select
        case when m.held > 0 then 'critical' else 'warning' end,
        m.topic,
        concat_ws(
            ', ',
            case when m.dead > 0 then m.dead || ' dead' end,
            case when m.held > 0 then m.held || ' held, outcome unknown' end,
            'last: ' || left(m.last_error, 200)
        ),
        case
            when m.held > 0 then 'Ask the receiver what became of them; then artery task retry or artery task cancel.'
            else 'Mend the cause, then artery task retry --topic ' || m.topic || ' --status dead.'
        end,
        case when m.held > 0 then 'held' else 'dead' end,
        jsonb_build_object('dead', m.dead, 'held', m.held, 'error', left(m.last_error, 200), 'topic', m.topic)
    from channel as m
    where m.dead + m.held > 0
    union all
    select
        'warning',
        m.topic,
        format('behind: the oldest of %s waiting was due at %s', m.waiting, date_trunc('second', m.oldest_due)),
        case
            when m.breaker <> 'closed' then 'Its endpoint ' || m.endpoint || ' is ' || m.breaker || ': artery endpoint check ' || m.endpoint
            else 'Too slow a receiver, too low a rate, or too few runners: see artery_monitor.integration_monitor.'
        end,
        case when m.breaker <> 'closed' then 'behind_breaker' else 'behind' end,
        jsonb_build_object('waiting', m.waiting, 'since', m.oldest_due, 'endpoint', m.endpoint, 'breaker', m.breaker)
    from channel as m
    where m.oldest_due < statement_timestamp() - interval '5 minutes'
    union all
    select
        'warning',
        m.topic,
        format('%s on hold, the first since %s', m.on_hold, date_trunc('second', m.on_hold_since)),
        'Somebody put them on hold, and maybe forgot them: artery task list --on-hold, then artery task release.',
        'on_hold',
        jsonb_build_object('count', m.on_hold, 'since', m.on_hold_since)
    from channel as m
    where m.on_hold_since < statement_timestamp() - interval '1 day'
    union all
    select
        'warning',
        'endpoint ' || e.name,
        case when e.enabled then 'breaker ' || b.state || ': ' || b.reason else 'disabled' || coalesce(': ' || b.reason, '') end,
        case
            when e.enabled and b.by_hand then 'It stays so until artery.close_breaker.'
            when e.enabled then 'It probes by itself; artery.close_breaker closes it by hand.'
            else 'Mend it, then update artery.endpoint set enabled = true.'
        end,
        case when not e.enabled then 'endpoint_disabled' when b.by_hand then 'breaker_by_hand' else 'breaker' end,
        jsonb_build_object('breaker', b.state, 'reason', b.reason)
    from artery.endpoint as e
    left join artery.breaker as b on b.endpoint_id = e.id
    where not e.enabled or b.state <> 'closed'
    union all
    select
        'critical',
        'saga ' || a.saga_id,
        format(
            '%s for %s %s: step %s is %s', a.saga, coalesce(a.document_type, '-'), coalesce(a.document_id, a.key),
            a.step, a.step_status
        ),
        a.hint,
        'saga_' || a.step_status,
        jsonb_build_object(
            'saga', a.saga, 'type', a.document_type, 'document', coalesce(a.document_id, a.key), 'step', a.step
        )
    from artery.saga_attention as a
    union all
    select
        i.severity,
        i.subject,
        i.found,
        i.mend,
        i.code,
        i.params
    from artery_tax.invoice_attention() as i
    union all
    -- a failed pull is a failed sweep, above
    select
        'warning',
        'cloud server ' || c.server,
        c.problem,
        'artery_procurement.cloud_status; docs/cloud-database.md says what helps.',
        'cloud_server',
        jsonb_build_object('problem', c.problem)
    from artery_procurement.cloud_status as c
    where c.stale_since is not null or c.held_since < statement_timestamp() - interval '1 minute'
    union all
    select
        'warning',
        i.table_name,
        concat_ws(
            ', ',
            case when i.rejected > 0 then i.rejected || ' rejected' end,
            case
                when i.oldest_due < statement_timestamp() - interval '5 minutes'
                    then 'oldest waits since ' || date_trunc('second', i.oldest_due)
            end
        ),
        'artery staging list ' || i.table_name || ' --status rejected',
        case when i.rejected > 0 then 'inbox_rejected' else 'inbox_behind' end,
        jsonb_build_object('rejected', i.rejected, 'since', i.oldest_due, 'inbox', i.table_name)
    from artery_monitor.inbox_status as i
    where i.rejected > 0 or i.oldest_due < statement_timestamp() - interval '5 minutes'
    union all
    select
        'warning',
        'reports at the ERP',
        format('%s wait for the ERP''s own code, the oldest since %s', count(*), date_trunc('second', min(w.since))),
        'Does the ERP''s worker run? artery_monitor.reports_at_erp lists them; they are asked for again by themselves.',
        'reports_at_erp',
        jsonb_build_object('count', count(*), 'since', min(w.since))
    from artery_mes.report_at_erp as w
    where w.handed
    having min(w.since) < statement_timestamp() - interval '5 minutes'
    union all
    select
        'warning',
        'reply handlers',
        format('%s answers are not handled, the oldest since %s', count(*), date_trunc('second', min(u.received_at))),
        'See handler_error of these tasks; they are handed over again by themselves, and never sent again.',
        'reply_handlers',
        jsonb_build_object('count', count(*), 'since', min(u.received_at))
    from artery.unhandled_reply as u
    having min(u.received_at) < statement_timestamp() - interval '1 minute'
    union all
    select
        d.severity,
        d.subject,
        d.found,
        d.mend,
        d.code,
        d.params
    from artery_monitor._partition_attention() as d
)

select
    l.severity,
    l.subject,
    l.found,
    l.mend,
    l.code,
    l.params
from lines as l
order by l.severity, l.subject, l.found
$function$;

comment on function artery_monitor.attention() is
'What somebody has to look at now: severity (critical, warning), what, what was found, what to do, in English; its '
'code and what it speaks of, for other languages; no rows = nothing';
grant execute on function artery_monitor.attention() to artery_reader;
