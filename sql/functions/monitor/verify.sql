/* The promises as one query that anybody may run in production: no rows = all hold.

   I1 no task is lost: each is due, under a lease that still runs, or ended, and nothing keeps it
      from being claimed for ever; each answer was handed to its handler or is kept for it.
   I4 no stale attempt changed anything: a task is what the attempt that owned it made of it, each
      attempt was written back once, and what is sent has the call that says so.

   Each table is read once, so that a million tasks take seconds; a call is looked for only while
   the log surely still has it. Definer: readers have no right on artery.lane. Reads
   integration_task, cloud_log, unhandled_reply, lane, endpoint, partitioning. */
create or replace function artery_monitor.verify(p_sweep interval default '1 minute')
returns table (invariant text, detail text, tasks bigint, task_ids bigint[])
language sql
stable
security definer
set search_path = ''
set work_mem = '64MB'
as $function$
with logged as (
    select
        a.task_id,
        max(a.attempt) as last_attempt,
        max(a.calls) as calls,
        max(a.attempt) filter (where a.sent) as sent_attempt,
        count(*) filter (where a.sent) as times_sent,
        max(a.runner_id) filter (where a.sent) as sent_by
    from (
        select
            l.task_id,
            l.attempt,
            max(l.runner_id) as runner_id,
            count(*) as calls,
            bool_or(l.outcome = 'sent') as sent
        from artery.cloud_log as l
        where not l.stale
        group by l.task_id, l.attempt
    ) as a
    group by a.task_id
),

log_from as (
    select coalesce(statement_timestamp() - min(p.keep) + interval '1 day', '-infinity') as at
    from artery.partitioning as p
    where p.parent = 'artery.cloud_log'
),

broken as (
    select
        c.invariant,
        c.detail,
        t.id
    from artery.integration_task as t
    cross join log_from as f
    left join logged as l on l.task_id = t.id
    cross join lateral (
        values
        (
            'I1', 'in processing past its lease and a sweep: nobody calls artery.tick()',
            t.status = 'processing' and t.locked_until < statement_timestamp() - p_sweep
        ),
        (
            'I1', 'open and ended at once, or ended without a time',
            (t.status in ('sent', 'dead', 'cancelled', 'compensated')) <> (t.ended_at is not null)
        ),
        (
            'I4', 'sent, and no call in the log says so',
            t.status = 'sent' and l.sent_attempt is null and t.ended_at > f.at
            -- a person, or a query of its status, may have ended a held one
            and not coalesce(t.history @> '[{"status": "held"}]', false)
        ),
        (
            'I4', 'sent, and open again',
            l.sent_attempt is not null and t.status in ('pending', 'processing', 'failed')
        ),
        (
            'I4', 'sent by an attempt that is not its last',
            l.sent_attempt <> t.attempt
        ),
        (
            'I4', 'sent by a runner that did not have it',
            l.sent_attempt = t.attempt and l.sent_by is distinct from t.runner_id
        ),
        (
            'I4', 'written back for an attempt that never was',
            l.last_attempt > t.attempt
        ),
        (
            'I4', 'one attempt written back more than once',
            l.calls > 1 or l.times_sent > 1
        )
    ) as c (invariant, detail, fails)
    where c.fails

    union all
    select
        'I1',
        'no runner looks for it: its endpoint and priority are no lane',
        t.id
    from artery.integration_task as t
    where
        t.status in ('pending', 'failed')
        and not exists (
            select from artery.lane as n
            inner join artery.endpoint as e on e.id = n.endpoint_id
            where n.endpoint_id = t.endpoint_id and n.priority = t.priority
        )

    union all
    select
        'I1',
        'queued behind a task that has ended: nobody lets it go',
        t.id
    from artery.integration_task as t
    where
        t.queued
        and t.ordering_key is not null
        and t.status in ('pending', 'failed')
        and t.created_at < statement_timestamp() - p_sweep
        and not exists (
            select from artery.integration_task as b
            where
                b.endpoint_id = t.endpoint_id
                and b.ordering_key = t.ordering_key
                and b.id < t.id
                and b.status not in ('sent', 'cancelled', 'compensated')
        )

    union all
    select
        'I1',
        'its reply handler failed, and the answer is not kept for it',
        t.id
    from artery.integration_task as t
    where
        t.handler_status = 'failed'
        and not exists (select from artery.unhandled_reply as u where u.task_id = t.id)

    union all
    select
        'I1',
        'an answer is kept that nobody will hand to its reply handler',
        u.task_id
    from artery.unhandled_reply as u
    inner join artery.integration_task as t on t.id = u.task_id
    where t.handler_status is distinct from 'failed'

    union all
    -- an attempt ends once, and as the call in the log says that its runner reported
    select
        'I4',
        'an attempt ended more than once',
        t.id
    from artery.integration_task as t
    where
        t.history is not null
        and exists (
            select from jsonb_array_elements(t.history) as h (value)
            where h.value ? 'attempt'
            group by h.value -> 'attempt'
            having count(*) > 1 or (t.status = 'sent' and max((h.value ->> 'attempt')::integer) = t.attempt)
                and not bool_or(h.value ->> 'status' = 'held')
        )

    union all
    select
        'I4',
        'an attempt ended otherwise than its runner reported',
        l.task_id
    from artery.cloud_log as l
    inner join artery.integration_task as t on t.id = l.task_id
    cross join lateral jsonb_array_elements(t.history) as h (value)
    where
        not l.stale
        and t.history is not null
        and (h.value ->> 'attempt')::integer = l.attempt
        and (
            (h.value ->> 'runner_id')::bigint <> l.runner_id
            or h.value ->> 'status' <> l.outcome
            or h.value ->> 'error_class' = 'lease_expired'
        )
)

select
    b.invariant,
    b.detail,
    count(distinct b.id),
    (array_agg(distinct b.id))[1:100]
from broken as b
group by b.invariant, b.detail
order by b.invariant, b.detail
$function$;
comment on function artery_monitor.verify(interval) is
'Checks the promises on what is stored: no rows = no task lost, no stale attempt changed anything. '
'Else what is wrong, how many tasks, and their ids (at most 100). p_sweep: how late the sweep may '
'be; a minute by pg_cron, seconds by runners';
grant execute on function artery_monitor.verify(interval) to artery_reader;
