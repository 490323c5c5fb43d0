create or replace function artery.rerun_handlers(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_count bigint := 0::bigint;
    v_due record;
begin
    -- one after the other: each runs the domain's code in a subtransaction of its own
    for v_due in
        select
            t.id,
            h.handler,
            u.reply
        from artery.integration_task as t
        inner join artery.unhandled_reply as u on u.task_id = t.id
        left join artery.route as r on r.topic = t.topic
        cross join lateral artery._reply_handler(t.status, t.compensation, r.reply_handler) as h (handler)
        where t.handler_status = 'failed' and t.handler_due_at <= clock_timestamp() and h.handler is not null
        order by t.handler_due_at
        limit 1000
        for update of t skip locked
    loop
        exit when clock_timestamp() >= p_until;
        if artery._run_handler(v_due.id, v_due.handler, v_due.reply) then
            update artery.integration_task as t
            set
                handler_status = 'done',
                handler_due_at = null,
                handler_error = null
            where t.id = v_due.id;
            delete from artery.unhandled_reply as u
            where u.task_id = v_due.id;
        end if;
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;
comment on function artery.rerun_handlers(timestamptz) is
'Sweep step: hands kept answers to their reply handlers again, without sending again; returns how '
'many were tried';
grant execute on function artery.rerun_handlers(timestamptz) to artery_admin;
