/* Dropping a partition takes the exclusive lock of its table, for which every writer behind it
   would wait. So it is asked for briefly: a table that is being read is tried again in a minute,
   and holds up nobody for longer than the tenth of a second. One table's trouble is not another's:
   it is noted in artery.partitioning.problem. */
create or replace function artery.drop_partitions(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '100ms'
as $function$
declare
    v_parent text;
    v_old text;
    v_id bigint;
    v_done bigint;
    v_count bigint := 0::bigint;
    v_problem text;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- every name went through %I, or is checked by partitioning_parent_check
    for v_parent in
        select p.parent
        from artery.partitioning as p
        where
            p.problem is not null
            or exists (select from artery._old_partitions() as o where o.parent = p.parent and not o.waits and not o.detaching)
        order by p.parent
    loop
        exit when clock_timestamp() >= p_until;
        v_problem := null;
        v_done := 0::bigint;
        begin
            execute format('lock table only %s in access exclusive mode', v_parent);
            -- everybody waits from here on
            perform set_config('lock_timeout', '10ms', true);
            for v_old in
                select o.partition
                from artery._old_partitions() as o
                where o.parent = v_parent and not o.waits and not o.detaching
                order by o.day
            loop
                begin
                    execute 'drop table ' || v_old;
                    v_done := v_done + 1;
                exception when others then
                    v_problem := format('%s: %s', sqlstate, sqlerrm);
                end;
                exit when clock_timestamp() >= p_until;
            end loop;
        exception when others then
            v_problem := format('%s: %s', sqlstate, sqlerrm);
        end;
        perform set_config('lock_timeout', '100ms', true);
        v_count := v_count + v_done;
        update artery.partitioning as p
        set
            problem = v_problem,
            problem_since = case when v_problem is not null then coalesce(p.problem_since, clock_timestamp()) end
        where p.parent = v_parent and (p.problem is not null or v_problem is not null);
    end loop;

    for v_id in
        select a.id
        from artery.partition_archive as a
        where a.status = 'verified'
        order by a.id
    loop
        exit when clock_timestamp() >= p_until;
        begin
            v_count := v_count + artery._drop_archived(v_id)::integer;
        exception when lock_not_available then
            v_problem := sqlerrm;
        end;
    end loop;

    if v_problem is not null then
        update artery.sweep_step as s
        set next_run_at = least(s.next_run_at, clock_timestamp() + interval '1 minute')
        where s.function = 'artery.drop_partitions';
    end if;
    return v_count;
end
$function$;
comment on function artery.drop_partitions(timestamptz) is
'Sweep step: drops partitions past the age that artery.partitioning keeps, but those that wait for their archive '
'not before that is verified; returns how many';
grant execute on function artery.drop_partitions(timestamptz) to artery_admin;
