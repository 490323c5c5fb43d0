/* One batch a transaction: what a processor locks (orders, stock) is free after each batch, and
   each locks in the one order; artery.tick() comes back at once while there is more.

   Two sweeps of an inbox at a time, in a lane each where it has lanes: they lock other rows, and
   get twice as much done. The lane of the oldest message first: so a lone sweep serves both. */
create or replace function artery_staging.process_due(p_until timestamptz, p_table text)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_inbox record;
    v_first integer := 0;
    v_lane integer;
    v_done integer;
    v_more boolean;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names of tables and functions are checked where they are registered
    select
        i.batch_size,
        i.lane
    into v_inbox
    from artery_staging.inbox as i
    where i.table_name = p_table and i.enabled;
    if not found then
        return 0::bigint;
    end if;
    if v_inbox.lane is not null then
        execute format(
            $sql$
            select coalesce(%s(s.body) & 1, 0)
            from %s as s
            where s.status in ('new', 'parked') and s.due_at <= clock_timestamp()
            order by s.due_at, s.id
            limit 1
            $sql$,
            split_part(v_inbox.lane, '(', 1), p_table
        )
        into v_first;
        v_first := coalesce(v_first, 0);
    end if;

    foreach v_lane in array array[v_first, 1 - v_first] loop
        continue when not pg_try_advisory_xact_lock(hashtextextended(p_table, 1 + v_lane));
        v_done := artery_staging._process(
            p_table, null, p_until, case when v_inbox.lane is not null then v_lane end
        );
        exit when v_done > 0 or v_inbox.lane is null;
    end loop;
    -- a lane may be done and the other not
    v_more := v_done >= case when v_inbox.lane is null then v_inbox.batch_size else 1 end;
    update artery.sweep_step as s
    set next_run_at = case when v_more then '-infinity' else clock_timestamp() + s.every end
    where
        s.function = 'artery_staging.process_due'
        and s.argument = p_table
        and s.backend_pid = pg_backend_pid()
        and (v_more or v_done is not null and s.next_run_at = '-infinity');
    return coalesce(v_done, 0)::bigint;
end
$function$;
comment on function artery_staging.process_due(timestamptz, text) is
'Sweep step of each inbox: processes a batch of its due rows, asks to be called again if there may be more; returns '
'how many were looked at. Two sessions at a time for each inbox: a third would wait for what these lock, and gets 0';
grant execute on function artery_staging.process_due(timestamptz, text) to artery_admin;
