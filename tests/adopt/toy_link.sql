create view toy.production_order as
select
    o.code as mo_no,
    o.product as item_code,
    o.amount as quantity,
    'PC' as unit,
    case o.state
        when 'N' then 'planned' when 'R' then 'released' when 'S' then 'in_progress' when 'H' then 'held'
        when 'D' then 'completed' when 'X' then 'cancelled' else o.state::text
    end as status,
    o.due::timestamp at time zone 'Europe/Berlin' as planned_end,
    (
        select jsonb_agg(jsonb_build_object(
            'line_no', p.pos, 'item', p.part, 'quantity', p.per_piece::text,
            'required', (p.per_piece * o.amount)::text, 'unit', 'PC'
        ) order by p.pos)
        from toy.work_order_part as p
        where p.order_id = o.id
    ) as components
from toy.work_order as o;

-- posts at once, by the ERP's own rule: never more than ordered
create function toy.post_report(p_report jsonb) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_order toy.work_order;
    v_id integer;
begin
    select o.* into strict v_order from toy.work_order as o where o.code = p_report ->> 'mo_no' for update;
    if (p_report #>> '{total,good}')::numeric > v_order.amount then
        raise exception 'order % is for % pieces, and % were reported', v_order.code, v_order.amount,
            p_report #>> '{total,good}'
        using hint = 'Raise the amount of the order first.';
    end if;
    insert into toy.finished (order_id, pieces, report)
    values (v_order.id, (p_report ->> 'good')::integer, p_report ->> 'report_id')
    returning id into v_id;
    update toy.work_order as o
    set state = case when (p_report #>> '{total,good}')::numeric = o.amount then 'D' else 'S' end
    where o.id = v_order.id;
    return jsonb_build_object('finished', v_id);
end
$$;

-- leaves it to a worker of the ERP's, which answers in toy.todo
create function toy.queue_report(p_report jsonb) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    v_key text := (p_report ->> 'report_id') || ' ' || (p_report ->> 'try');
    v_todo toy.todo;
begin
    insert into toy.todo (report, order_id, pieces)
    select v_key, o.id, (p_report ->> 'good')::integer from toy.work_order as o where o.code = p_report ->> 'mo_no'
    on conflict do nothing;
    select t.* into strict v_todo from toy.todo as t where t.report = v_key;
    if v_todo.answer like 'no: %' then
        raise exception '%', v_todo.answer;
    end if;
    return case when v_todo.answer is not null then jsonb_build_object('worker', v_todo.answer) end;
end
$$;
revoke execute on function toy.post_report, toy.queue_report from public;
grant usage on schema toy to artery_owner;
grant select on toy.production_order, toy.work_order to artery_owner;
grant execute on function toy.post_report, toy.queue_report to artery_owner;
select artery_staging.bind_orders('toy.work_order', 'new.code');
select artery_staging.bind_orders(
    'toy.work_order_part', '(select o.code from toy.work_order as o where o.id = new.order_id)'
);
