/* A runner that died left its tasks in processing. What they came to is unknown: sent again where
   the endpoint honours the Request-ID, else asked after, or held for a person where nobody can be
   asked. A lost question is asked again. The fence stands in the outer
   WHERE: a late write-back that got in between the look and the update wins, and the row is left
   alone. A task that ends of it is handed to its reply handler by the sweep of kept answers. */
create or replace function artery.expire_leases(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $function$
declare
    v_count bigint := 0::bigint;
    v_batch bigint;
begin
    loop
        with expired as materialized (
            select
                t.id,
                t.attempt,
                q.inquiry,
                t.inquiry is null as was_sent,
                case
                    when q.inquiry is not null then 'failed'
                    when not e.idempotent and t.method <> 'GET' then 'held'
                    when t.failures + 1 >= t.max_attempts then 'dead'
                    else 'failed'
                end as new_status,
                t.compensation,
                r.reply_handler
            from artery.integration_task as t
            inner join artery.endpoint as e on e.id = t.endpoint_id
            left join artery.route as r on r.topic = t.topic
            cross join lateral (
                select case
                    when t.inquiry is not null then t.inquiry
                    when not e.idempotent and t.method <> 'GET' and r.status_path_template is not null
                        then artery._begin_inquiry(
                            'in_doubt', t.topic, t.id, t.request_id, t.document_id, null, null, clock_timestamp()
                        )
                end as inquiry
            ) as q
            where t.status = 'processing' and t.locked_until < clock_timestamp()
            -- the order of the index over what is processing: by id alone, a plan may choose to
            -- walk all tasks that ever were
            order by t.endpoint_id, t.id
            limit 1000
            for update of t skip locked
        ),

        done as (
            update artery.integration_task as t
            set
                status = x.new_status,
                failures = t.failures + x.was_sent::integer,
                inquiry = x.inquiry,
                due_at = greatest(t.due_at, clock_timestamp()),
                error_class = 'lease_expired',
                status_code = null,
                error = jsonb_build_object(
                    'kind', 'lease_expired',
                    'message', format(
                        'runner %s did not report before its lease ended at %s',
                        t.runner_id, t.locked_until
                    )
                ),
                handler_status = case when h.handler is not null then 'failed' end,
                handler_due_at = case when h.handler is not null then clock_timestamp() end
            from expired as x
            cross join lateral artery._reply_handler(
                x.new_status, x.compensation, x.reply_handler
            ) as h (handler)
            where
                t.id = x.id
                and t.id = any(array(select y.id from expired as y))
                and t.attempt = x.attempt
                and t.locked_until < clock_timestamp()
            returning t.*
        ),

        kept as (
            insert into artery.unhandled_reply (task_id, reply)
            select
                d.id,
                jsonb_build_object(
                    'task_id', d.id,
                    'request_id', d.request_id,
                    'topic', d.topic,
                    'document_type', d.document_type,
                    'document_id', d.document_id,
                    'outcome', d.status,
                    'attempt', d.attempt,
                    'status_code', null,
                    'body', null,
                    'error', d.error
                )
            from done as d
            where d.handler_status = 'failed'
            on conflict (task_id) do update
            set reply = excluded.reply
        )

        select count(*)
        into v_batch
        from done;
        v_count := v_count + v_batch;
        exit when v_batch < 1000 or clock_timestamp() >= p_until;
    end loop;
    perform artery._wake() where v_count > 0;
    return v_count;
end
$function$;
comment on function artery.expire_leases(timestamptz) is
'Sweep step: takes back tasks whose lease has run out, in batches until p_until; returns how many';
grant execute on function artery.expire_leases(timestamptz) to artery_admin;
