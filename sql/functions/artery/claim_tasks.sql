/* Claims due tasks for one runner, in order of due time within a priority, in equal shares over
   the endpoints that have work; what one endpoint leaves of its share, the others get in a second
   pass.

   Dead index entries pile up at the front of the queue while anything holds back vacuum (a report,
   a dump, an idle slot), and each claim would walk them again. So a claim starts at the lane's
   frontier: the due time up to which this session has claimed, less a slack for transactions that
   commit late. What still lies behind the frontier (later commits, rolled-back claims) is found by
   an unbounded claim, made whenever twenty times the cost of the last one have passed: it takes a
   twentieth of the time however long the dead front grows. The cursor is a session setting: a hint
   about the queue, not about the runner, so it is harmless when a pooler hands the session to
   another.

   max_in_flight is counted by one claim at a time: the others pass the endpoint over until that
   one has committed.

   The planner settings pin the index walks: statistics taken while the queue was empty must not
   talk it into sorts. */
create or replace function artery.claim_tasks(
    p_runner bigint, p_limit integer default 100, p_lease interval default '30 seconds'
)
returns table (
    id bigint,
    attempt integer,
    request_id uuid,
    topic text,
    endpoint_id integer,
    endpoint_version integer,
    method text,
    path text,
    content_type text,
    headers jsonb,
    body text,
    due_at timestamptz
)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = ''
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $function$
declare
    c_slack constant interval := interval '100 milliseconds';
    v_now timestamptz := clock_timestamp();
    v_cursor jsonb := nullif(current_setting('artery.claim_cursor', true), '')::jsonb;
    -- a time far ahead is a clock that was set back
    v_unbounded boolean := coalesce((v_cursor ->> 'next_unbounded_at')::timestamptz
        not between v_now and v_now + interval '1 minute', true);
    v_lanes jsonb;
    v_share integer;
    v_ids bigint[];
    v_frontier jsonb;
    v_claimed integer := 0;
begin
    perform from artery.runner as r where r.id = p_runner and r.stopped_at is null;
    if not found then
        raise exception using
            errcode = 'IN012',
            message = format('runner %s is not registered', p_runner),
            detail = 'It never was, has stopped, or was silent for so long that it was forgotten.',
            hint = 'Register again with artery.register_runner.';
    end if;
    if p_lease is null or p_lease <= interval '0' then
        raise exception using
            errcode = 'IN014',
            message = 'the lease must be longer than nothing',
            detail = format('Runner %s, lease %s.', p_runner, coalesce(p_lease::text, 'null')),
            hint = 'Leave p_lease out for 30 seconds.';
    end if;

    select
        jsonb_agg(jsonb_build_object('endpoint_id', w.endpoint_id, 'priority', w.priority, 'since', w.since)),
        ceil(p_limit::numeric / nullif(count(distinct w.endpoint_id), 0))::integer
    into v_lanes, v_share
    from (
        select
            l.endpoint_id,
            l.priority,
            e.max_in_flight,
            b.since
        from artery.lane as l
        inner join artery.endpoint as e on e.id = l.endpoint_id and e.enabled
        left join artery.rate_limiter as rl on rl.endpoint_id = l.endpoint_id
        cross join lateral (
            select case when v_unbounded then null else (
                v_cursor -> 'frontier' ->> (l.endpoint_id || '/' || l.priority)
            )::timestamptz - c_slack end as frontier
        ) as f
        cross join lateral (select coalesce(f.frontier, '-infinity') as since) as b
        where
            coalesce(rl.blocked_until <= v_now, true)
            and exists (
                select from artery.integration_task as t
                where
                    t.endpoint_id = l.endpoint_id
                    and t.priority = l.priority
                    and t.status in ('pending', 'failed')
                    and not t.queued
                    and t.due_at between b.since and v_now
            )
        offset 0
    ) as w
    where
        w.max_in_flight is null
        or pg_try_advisory_xact_lock(hashtext('artery.max_in_flight'), w.endpoint_id);

    while v_lanes is not null and v_claimed < p_limit loop
        with lane as materialized (
            select
                w.endpoint_id,
                w.priority,
                w.since
            from jsonb_to_recordset(v_lanes) as w (endpoint_id integer, priority smallint, since timestamptz)
        ),

        picked as materialized (
            select
                t.id,
                t.due_at,
                x.endpoint_id,
                t.priority
            from (
                select
                    d.endpoint_id,
                    least(v_share, e.max_in_flight - case when e.max_in_flight is not null then (
                        select count(*)
                        from artery.integration_task as p
                        where p.endpoint_id = e.id and p.status = 'processing'
                    ) end) as room
                from (select distinct lane.endpoint_id from lane) as d
                inner join artery.endpoint as e on e.id = d.endpoint_id
                order by random()
            ) as x
            cross join lateral (
                select
                    q.id,
                    q.due_at,
                    l.priority
                from (
                    select
                        lane.priority,
                        lane.since
                    from lane
                    where lane.endpoint_id = x.endpoint_id
                    order by lane.priority
                ) as l
                cross join lateral (
                    select
                        t.id,
                        t.due_at
                    from artery.integration_task as t
                    where
                        t.endpoint_id = x.endpoint_id
                        and t.priority = l.priority
                        and t.status in ('pending', 'failed')
                        and not t.queued
                        and t.due_at between l.since and v_now
                        -- a transaction that was not yet visible to enqueue_task may have put an earlier task of the key
                        and (t.ordering_key is null or not exists (
                            select from artery.integration_task as b
                            where
                                b.endpoint_id = t.endpoint_id
                                and b.ordering_key = t.ordering_key
                                and b.id < t.id
                                and b.status not in ('sent', 'cancelled', 'compensated')
                        ))
                    order by t.due_at, t.id
                    limit greatest(x.room, 0)
                    for update of t skip locked
                ) as q
                limit greatest(x.room, 0)
            ) as t
            limit p_limit - v_claimed
        ),

        lane_end as (
            select
                p.endpoint_id || '/' || p.priority as lane,
                max(p.due_at) as frontier
            from picked as p
            group by p.endpoint_id, p.priority
        )

        select
            (select array_agg(p.id) from picked as p),
            (select jsonb_object_agg(e.lane, e.frontier) from lane_end as e)
        into v_ids, v_frontier;
        exit when v_ids is null;

        v_claimed := v_claimed + cardinality(v_ids);
        v_cursor := jsonb_set(
            coalesce(v_cursor, '{}'), '{frontier}', coalesce(v_cursor -> 'frontier', '{}') || v_frontier
        );
        return query
        update artery.integration_task as t
        set
            status = 'processing',
            runner_id = p_runner,
            locked_until = v_now + p_lease
        from unnest(v_ids) as u (id)
        cross join artery.endpoint as e
        where t.id = u.id and e.id = t.endpoint_id
        returning
            t.id, t.attempt, t.request_id, t.topic, t.endpoint_id, e.version,
            t.method, t.path, t.content_type, t.headers, t.body, t.due_at;

        exit when v_share >= p_limit;
        v_share := p_limit;
    end loop;

    if v_unbounded then
        v_cursor := jsonb_set(
            coalesce(v_cursor, '{}'),
            '{next_unbounded_at}',
            to_jsonb(clock_timestamp() + least(20 * (clock_timestamp() - v_now), interval '1 minute'))
        );
    end if;
    perform set_config('artery.claim_cursor', v_cursor::text, false);

    if v_claimed > 0 then
        update artery.runner as r
        set asleep = false
        where r.id = p_runner and r.asleep;
    end if;
end
$function$;

comment on function artery.claim_tasks(bigint, integer, interval) is
'Claims at most p_limit due tasks for a registered runner until now + p_lease (database clock); '
'returns the frozen requests. Errors: IN012 unknown runner, IN014 bad lease.';
grant execute on function artery.claim_tasks(bigint, integer, interval) to artery_runner;
