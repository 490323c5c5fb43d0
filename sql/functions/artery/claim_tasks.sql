/* Claims due tasks for one runner: equal shares over the endpoints that have work; what one leaves
   of its share, the others get in a second pass.

   Dead index entries pile up at the front of the queue while anything holds back vacuum (a report,
   a dump, an idle slot), and each claim would walk them again. So a claim starts at each lane's
   frontier: the due time up to which this session has claimed, less a slack for transactions that
   commit late. What still lies behind the frontier (later commits, rolled-back claims) is found by
   an unbounded claim, made whenever twenty times the cost of the last one have passed: it takes a
   twentieth of the time however long the dead front grows. The cursor is a session setting: a hint
   about the queue, not about the runner, so it is harmless when a pooler hands the session on.

   The planner settings, here and in the helpers, pin the index walks: statistics taken while the
   queue was empty must not talk it into sorts. */
create or replace function artery.claim_tasks(
    p_runner bigint,
    p_limit integer default 100,
    p_lease interval default '30 seconds',
    p_except integer[] default '{}'
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
    due_at timestamptz,
    delay_ms double precision,
    download_bytes bigint
)
language plpgsql
volatile
parallel unsafe
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
set plan_cache_mode = force_generic_plan
as $function$
declare
    -- What a claim may take on its way, so that a burst that sets out late and the calls after it,
    -- on time, do not come closer than the bucket allows. A bucket with this much to spare does not wait.
    c_slack_ms constant double precision := 50.0::double precision;
    v_now timestamptz := clock_timestamp();
    v_cursor jsonb := coalesce(nullif(current_setting('artery.claim_cursor', true), '')::jsonb, '{}');
    -- a time far ahead is a clock that was set back
    v_unbounded boolean := coalesce((v_cursor ->> 'next_unbounded_at')::timestamptz
        not between v_now and v_now + interval '1 minute', true);
    v_lanes jsonb;
    v_share integer;
    v_endpoint record;
    v_room integer;
    v_first_ms double precision;
    v_next_ms double precision;
    v_step_ms double precision;
    v_picked record;
    v_claimed integer := 0;
begin
    perform from artery.runner as r where r.id = p_runner and r.stopped_at is null;
    if not found then
        raise exception using
            errcode = 'IN012',
            message = format('runner %s is not registered', p_runner),
            detail = 'It never was, has stopped, or was silent so long that it was forgotten.',
            hint = 'Register again with artery.register_runner.';
    end if;
    if artery._arming_fault() is not null then
        perform artery._check_armed();
    end if;
    if p_lease is null or p_lease <= interval '0' then
        raise exception using
            errcode = 'IN014',
            message = 'the lease must be longer than nothing',
            detail = format('Runner %s, lease %s.', p_runner, coalesce(p_lease::text, 'null')),
            hint = 'Leave p_lease out for 30 seconds.';
    end if;

    select
        jsonb_agg(to_jsonb(w)),
        ceil(p_limit::numeric / nullif(count(distinct w.endpoint_id), 0))::integer
    into v_lanes, v_share
    from artery._due_lanes(
        v_now, case when not v_unbounded then v_cursor -> 'frontier' end
    ) as w
    where w.endpoint_id <> all(coalesce(p_except, '{}'));

    -- a loop over endpoints, not tasks: each has limits of its own, and a share
    for v_endpoint in
        select
            x.endpoint_id,
            x.gated,
            case p.pass when 1 then v_share else p_limit end as share
        from generate_series(1, 2) as p (pass)
        cross join (
            select
                w.endpoint_id,
                bool_or(w.gated) as gated
            from jsonb_to_recordset(v_lanes) as w (endpoint_id integer, gated boolean)
            group by w.endpoint_id
        ) as x
        where p.pass = 1 or v_share < p_limit
        order by p.pass, random()
    loop
        exit when v_claimed >= p_limit;
        v_room := least(v_endpoint.share, p_limit - v_claimed);
        v_step_ms := 0;
        if v_endpoint.gated then
            select
                p.room,
                p.first_ms,
                p.next_ms,
                p.step_ms
            into v_room, v_first_ms, v_next_ms, v_step_ms
            from artery._permit(v_endpoint.endpoint_id, v_room, v_now) as p;
        end if;
        continue when v_room = 0;

        v_picked := artery._pick_tasks(v_endpoint.endpoint_id, v_lanes, v_now, v_room);
        continue when v_picked.ids is null;
        v_claimed := v_claimed + cardinality(v_picked.ids);
        v_cursor := jsonb_set(
            v_cursor, '{frontier}', coalesce(v_cursor -> 'frontier', '{}') || v_picked.frontier
        );
        if v_endpoint.gated then
            perform artery._spend(
                v_endpoint.endpoint_id, cardinality(v_picked.ids), v_step_ms, v_now, p_lease
            );
        end if;

        return query
        update artery.integration_task as t
        set
            status = 'processing',
            runner_id = p_runner,
            locked_until = v_now + p_lease
        from artery.endpoint as e
        where t.id = any(v_picked.ids) and e.id = v_endpoint.endpoint_id
        returning
            t.id,
            t.attempt,
            -- a question is a request of its own, in the same trace
            case when t.inquiry is null then t.request_id else gen_random_uuid() end,
            t.topic,
            t.endpoint_id,
            e.version,
            coalesce(t.inquiry ->> 'method', t.method),
            coalesce(t.inquiry ->> 'path', t.path),
            t.content_type,
            case
                when t.inquiry is null then t.headers
                else artery._question_headers(t.headers, t.request_id)
            end,
            case when t.inquiry is null then t.body end,
            t.due_at,
            case
                when v_step_ms = 0 then 0
                -- from now, as it will be when the runner has it
                else greatest(
                    c_slack_ms + case t.id
                        when v_picked.ids[1] then v_first_ms
                        else v_next_ms + (array_position(v_picked.ids, t.id) - 2) * v_step_ms
                    end
                    - (extract(epoch from clock_timestamp() - v_now) * 1000)::double precision,
                    0
                )
            end,
            case when t.inquiry is null then t.download_bytes end;
    end loop;

    if v_unbounded then
        v_cursor := jsonb_set(v_cursor, '{next_unbounded_at}', to_jsonb(
            clock_timestamp() + least(20 * (clock_timestamp() - v_now), interval '1 minute')
        ));
    end if;
    perform set_config('artery.claim_cursor', v_cursor::text, false);

    if v_claimed > 0 then
        update artery.runner as r
        set asleep = false
        where r.id = p_runner and r.asleep;
    end if;
end
$function$;

comment on function artery.claim_tasks(bigint, integer, interval, integer[]) is
'Claims at most p_limit due tasks for a registered runner until now + p_lease (database clock). '
'Returns the frozen requests, or of a task whose outcome is asked for the question; each may be sent '
'delay_ms from now, not before (the rate limit). '
'p_except: endpoints to leave out, because this runner is behind with them. '
'Errors: IN012 unknown runner, IN014 bad lease, IN060 this database may not send (artery arm)';
grant execute on function artery.claim_tasks(bigint, integer, interval, integer[]) to artery_runner;
