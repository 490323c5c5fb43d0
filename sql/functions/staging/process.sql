create or replace function artery_staging._inbox(p_table text)
returns table (table_name text, processor text, batch_size integer, partner_columns text[])
language plpgsql
stable
rows 1
set search_path = pg_catalog, pg_temp
as $function$
begin
    return query
    select
        i.table_name,
        i.processor,
        i.batch_size,
        i.partner_columns
    from artery_staging.inbox as i
    where i.table_name = p_table;
    if not found then
        raise exception using
            errcode = 'IN017',
            message = format('there is no inbox %s', coalesce(p_table, '(null)')),
            detail = format('Known: %s.', coalesce((
                select string_agg(i.table_name, ', ' order by i.table_name)
                from artery_staging.inbox as i
            ), 'none')),
            hint = 'Name it with its schema: artery_staging.plm_bom.';
    end if;
end
$function$;
comment on function artery_staging._inbox(text) is 'An inbox''s row; raises IN017 if there is none';

/* Rows that were caught in a batch with a statement timeout (new, attempts > 0) go in batches of
   the size / 32 ^ attempts, so that the slow one soon stands alone. */
create or replace function artery_staging._process(
    p_table text, p_limit integer, p_until timestamptz, p_lane integer
)
returns integer
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
set jit = off
-- the rows of a batch were written lately: not all of a long table is to be read for them
set random_page_cost = 1.1
as $function$
declare
    v_inbox record;
    v_done integer := 0;
    v_class integer;
    v_ids bigint[];
    v_due text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the names of tables and functions are checked where they are registered
    select
        i.processor,
        i.batch_size,
        i.lane
    into v_inbox
    from artery_staging.inbox as i
    where i.table_name = (select x.table_name from artery_staging._inbox(p_table) as x);
    v_due := format(
        $sql$
        from %s as s
        where
            s.status in ('new', 'parked')
            and s.due_at <= clock_timestamp()
            and %s
        $sql$,
        p_table,
        case when p_lane is null then 'true'
            else format('coalesce(%s(s.body) & 1, 0) = %s', split_part(v_inbox.lane, '(', 1), p_lane)
        end
    );
    while v_done < coalesce(p_limit, 1) and clock_timestamp() < p_until loop
        execute format(
            $sql$
            select case s.status when 'new' then least(s.attempts, 4) else 0 end
            %s
            order by s.due_at, s.id
            limit 1
            for update skip locked
            $sql$,
            v_due
        )
        into v_class;
        exit when v_class is null;

        execute format(
            $sql$
            with locked as materialized (
                select
                    s.id,
                    s.due_at
                %s
                    and case s.status when 'new' then least(s.attempts, 4) else 0 end = $1
                order by s.due_at, s.id
                limit $2
                for update skip locked
            )

            select array_agg(l.id order by l.due_at, l.id)
            from locked as l
            $sql$,
            v_due
        )
        into v_ids
        using v_class, greatest(1, least(v_inbox.batch_size, p_limit - v_done) >> (5 * v_class));

        v_done := v_done + cardinality(v_ids);
        v_ids := artery_staging._reject_conflicts(p_table, v_ids);
        exit when v_ids is not null and not artery_staging._process_ids(
            p_table, v_inbox.processor, v_ids, p_until
        );
    end loop;
    return v_done;
end
$function$;
comment on function artery_staging._process(text, integer, timestamptz, integer) is
'Processes due rows of an inbox, or of one of its lanes (0, 1), in batches, until the limit (null = one batch) or the '
'moment; gives how many were looked at';

create or replace function artery_staging.process(p_table text, p_limit integer default null)
returns integer
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
select artery_staging._process(p_table, coalesce(p_limit, 2147483647), 'infinity', null)
$function$;
comment on function artery_staging.process(text, integer) is
'Processes what is due in an inbox now, p_limit rows at most (null = all), in the caller''s transaction; '
'returns how many were looked at. Any number of sessions at once is safe. Errors: IN017 no such inbox';
grant execute on function artery_staging.process(text, integer) to artery_admin;

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
