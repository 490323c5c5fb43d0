-- Begins a run for all signals that are due
create or replace function artery_plm._start_signalled_run()
returns bigint
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_signals bigint[];
    v_items text[];
    v_all boolean;
begin
    select
        array_agg(s.id),
        array_agg(distinct s.item_code) filter (where s.item_code is not null),
        bool_or(s.item_code is null)
    into v_signals, v_items, v_all
    from artery_plm.cost_signal as s
    where s.due_at <= now();
    if v_signals is null then
        return null;
    end if;
    delete from artery_plm.cost_signal as s
    where s.id = any(v_signals);
    return artery_plm.start_cost_run(
        case when not v_all then v_items end, p_scope => case when not v_all then 'changed' else 'all' end
    );
end
$function$;
comment on function artery_plm._start_signalled_run() is
'Begins a cost run for all signals that are due; null where there is nothing to do';
revoke execute on function artery_plm._start_signalled_run() from public;

create or replace function artery_plm._end_cost_run(p_run_id bigint)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_as_of timestamptz;
begin
    select r.as_of into v_as_of from artery_plm.cost_run as r where r.id = p_run_id;

    -- what still waits, waits for itself
    with skipped as (
        insert into artery_plm.cost_run_problem (run_id, item_code, kind, problem)
        select
            r.run_id,
            r.item_code,
            'skipped',
            'structure: it contains itself, or something that does'
        from artery_plm.cost_run_item as r
        where r.run_id = p_run_id and r.state = 'waiting'
        returning item_code, problem
    )

    insert into artery_erp.item_cost as x (item_code, source, missing, run_id, as_of)
    select
        s.item_code,
        'bom',
        array[s.problem],
        p_run_id,
        v_as_of
    from skipped as s
    on conflict (item_code) do update
    set
        unit_cost = null,
        material_cost = null,
        operation_cost = null,
        source = excluded.source,
        missing = excluded.missing,
        run_id = excluded.run_id,
        as_of = excluded.as_of,
        computed_at = clock_timestamp();

    update artery_plm.cost_run as r
    set
        status = 'done',
        ended_at = clock_timestamp(),
        levels = coalesce((
            select max(i.level) + 1
            from artery_plm.cost_run_item as i
            where i.run_id = p_run_id and i.state = 'done'
        ), 0),
        missing = (
            select count(distinct p.item_code)
            from artery_plm.cost_run_problem as p
            where p.run_id = p_run_id and p.kind = 'missing'
        ),
        skipped = (
            select count(*)
            from artery_plm.cost_run_problem as p
            where p.run_id = p_run_id and p.kind = 'skipped'
        )
    where r.id = p_run_id;
    delete from artery_plm.cost_run_item as i
    where i.run_id = p_run_id;
    delete from artery_plm.cost_run as r
    using artery_plm.cost_policy as p
    where r.ended_at < now() - p.keep_runs and r.id <> p_run_id;
end
$function$;
comment on function artery_plm._end_cost_run(bigint) is
'Ends a run: what was not reached is skipped with its reason; runs past their keeping time are deleted';
revoke execute on function artery_plm._end_cost_run(bigint) from public;

create or replace function artery_plm.roll_up_costs(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_run_id bigint;
    v_items integer;
    v_count bigint := 0::bigint;
begin
    loop
        select r.id into v_run_id from artery_plm.cost_run as r where r.status = 'running' for update;
        v_run_id := coalesce(v_run_id, artery_plm._start_signalled_run());
        exit when v_run_id is null;
        loop
            v_items := artery_plm._roll_up_batch(v_run_id);
            v_count := v_count + v_items;
            update artery_plm.cost_run as r
            set done = r.done + v_items
            where r.id = v_run_id;
            if v_items = 0 then
                perform artery_plm._end_cost_run(v_run_id);
                exit;
            end if;
            exit when clock_timestamp() >= p_until;
        end loop;
        exit when clock_timestamp() >= p_until or p_until = 'infinity';
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('roll_up_costs', 'artery_plm.roll_up_costs', '5 seconds', 60)
on conflict (name) do nothing;

comment on function artery_plm.roll_up_costs(timestamptz) is
'Sweep step: goes on with the roll-up of costs under way, or begins one for what was signalled, until p_until; '
'returns how many items were costed. With ''infinity'': to the end of one run';
grant execute on function artery_plm.roll_up_costs(timestamptz) to artery_operator, artery_admin;
