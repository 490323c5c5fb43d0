/* A runner that died left its tasks in processing. What they came to is unknown: sent again where
   the endpoint honours the Request-ID, else held for a person. The fence stands in the outer
   WHERE: a late write-back that got in between the look and the update wins, and the row is left
   alone. */
create or replace function artery.expire_leases(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = ''
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
                e.idempotent,
                e.backoff_base
            from artery.integration_task as t
            inner join artery.endpoint as e on e.id = t.endpoint_id
            where t.status = 'processing' and t.locked_until < clock_timestamp()
            order by t.id
            limit 1000
            for update of t skip locked
        )

        update artery.integration_task as t
        set
            status = case
                when not x.idempotent then 'held'
                when t.failures + 1 >= t.max_attempts then 'dead'
                else 'failed'
            end,
            failures = t.failures + 1,
            due_at = greatest(t.due_at, clock_timestamp()),
            error_class = 'lease_expired',
            status_code = null,
            error = jsonb_build_object(
                'kind', 'lease_expired',
                'message', format('runner %s did not report before its lease ended at %s', t.runner_id, t.locked_until)
            )
        from expired as x
        where
            t.id = x.id
            and t.attempt = x.attempt
            and t.status = 'processing'
            and t.locked_until < clock_timestamp();
        get diagnostics v_batch = row_count;
        v_count := v_count + v_batch;
        exit when v_batch < 1000 or clock_timestamp() >= p_until;
    end loop;
    return v_count;
end
$function$;
comment on function artery.expire_leases(timestamptz) is
'Sweep step: takes back tasks whose lease has run out, in batches until p_until; returns how many';
grant execute on function artery.expire_leases(timestamptz) to artery_admin;
