/* The promises as one query that anybody may run in production: no rows = all hold.

   I1 no task is lost: each is due, under a lease that still runs, or ended, and nothing keeps it
      from being claimed for ever; each answer was handed to its handler or is kept for it.
   I3 the balances of stock are the sums of their moves.
   I4 no stale attempt changed anything: a task is what the attempt that owned it made of it, each
      attempt was written back once, and what is sent has the call that says so.
   I5 each message of an inbox is processed, rejected with a reason, or due for the next sweep.
   I7 each invoice that was requested is issued, refused, an alarm, or under way.

   A million tasks take seconds: the log is read once, tasks a few times. A call is looked for only
   while the log surely still has it. Definer: readers have no right on artery.lane. Reads
   integration_task, cloud_log, unhandled_reply, lane, endpoint, partitioning. */
create or replace function artery_monitor.verify(p_sweep interval default '1 minute')
returns table (invariant text, detail text, tasks bigint, task_ids bigint[])
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
set work_mem = '64MB'
set jit = off
as $function$
with logged as (
    select
        l.task_id,
        max(l.attempt) as last_attempt,
        count(*) filter (where not l.status_query) as calls,
        max(l.attempt) filter (where l.outcome = 'sent') as sent_attempt,
        max(l.runner_id) filter (where l.outcome = 'sent') as sent_by
    from artery.cloud_log as l
    where not l.stale
    group by l.task_id
),

log_from as (
    select coalesce(statement_timestamp() - min(p.keep) + interval '1 day', '-infinity') as at
    from artery.partitioning as p
    where p.parent = 'artery.cloud_log'
),

broken as (
    -- of what is wrong with one task by itself, the first: one look at each of a million
    select
        left(c.finding, 2) as invariant,
        substr(c.finding, 4) as detail,
        c.id
    from (
        select
            t.id,
            case
                when t.status = 'processing' and t.locked_until < statement_timestamp() - p_sweep
                    then 'I1 in processing past its lease and a sweep: nobody calls artery.tick()'
                when (t.status in ('sent', 'dead', 'cancelled', 'compensated')) <> (t.ended_at is not null)
                    then 'I1 ended without a time, or open with one'
                when
                    t.status in ('pending', 'failed')
                    and (t.endpoint_id, t.priority) not in (
                        select
                            n.endpoint_id,
                            n.priority
                        from artery.lane as n
                    )
                    then 'I1 no runner looks for it: its endpoint and priority are no lane'
                when
                    t.history is not null
                    and exists (
                        select from jsonb_array_elements(t.history) as h (value)
                        where h.value ? 'attempt'
                        group by h.value -> 'attempt'
                        having
                            count(*) > 1
                            or (
                                t.status = 'sent'
                                and (h.value -> 'attempt')::integer = t.attempt
                                and not bool_or(h.value ->> 'status' = 'held')
                            )
                    )
                    then 'I4 an attempt ended more than once'
                when l.last_attempt > t.attempt
                    then 'I4 written back for an attempt that never was'
                when l.sent_attempt < t.attempt
                    then 'I4 sent by an attempt that is not its last'
                when l.sent_attempt is not null and t.status in ('pending', 'processing', 'failed')
                    then 'I4 sent, and open again'
                when l.sent_by <> t.runner_id
                    then 'I4 sent by a runner that did not have it'
                when
                    t.status = 'sent' and l.sent_attempt is null and t.ended_at > f.at
                    -- a person, or a query of its status, may have ended a held one
                    and not coalesce(t.history @> '[{"status": "held"}]', false)
                    then 'I4 sent, and no call in the log says so'
                -- the history keeps 50
                when
                    l.calls > 1 and t.attempt <= 50
                    and l.calls > (t.status = 'sent')::integer + jsonb_array_length(
                        jsonb_path_query_array(coalesce(t.history, '[]'), '$[*] ? (
                            exists(@.attempt) && @.error_class != "lease_expired"
                        )')
                    )
                    then 'I4 one attempt written back more than once'
            end as finding
        from artery.integration_task as t
        cross join log_from as f
        left join logged as l on l.task_id = t.id
    ) as c
    where c.finding is not null

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
        -- else artery.unblock_keys is about to
        and not exists (
            select from artery.integration_task as e
            where
                e.endpoint_id = t.endpoint_id
                and e.ordering_key = t.ordering_key
                and e.id < t.id
                and e.ended_at >= statement_timestamp() - p_sweep
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
union all
select
    'I3',
    'stock whose balance is not the sum of its moves: artery_erp.stock_reconciliation',
    count(*),
    '{}'
from artery_erp.stock_reconciliation
having count(*) > 0
union all
select
    'I5',
    i.table_name || ': ' || v.detail,
    v.messages,
    v.ids
from artery_staging.inbox as i
cross join lateral artery_staging._violations(i.table_name, p_sweep) as v
where i.enabled
union all
select
    'I7',
    v.detail,
    v.tasks,
    v.task_ids
from artery_tax.invoice_violations() as v
order by 1, 2
$function$;
comment on function artery_monitor.verify(interval) is
'Checks the promises on what is stored: no rows = no task or message lost, no stale attempt changed anything. '
'Else what is wrong, how many tasks (I5: messages), and their ids (at most 100). p_sweep: how late the sweep may '
'be; a minute by pg_cron, seconds by runners';
grant execute on function artery_monitor.verify(interval) to artery_reader;
