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
