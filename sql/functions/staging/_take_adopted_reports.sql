/* Where the site's own ERP posts reports. Orders are locked first, all in one order: what was
   reported of them is then handed over one by one, as it came in. A parked report holds back the
   later ones of its order and no others. */
create or replace function artery_staging._take_adopted_reports(p_ids bigint[])
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_messages constant artery_mes.report_message[] := array(
        select m from artery_staging._read_production_reports(p_ids) as m
    );
    v_message artery_mes.report_message;
    v_verdict artery_mes.report_verdict;
    v_body jsonb;
    v_try integer;
    v_handed boolean;
begin
    perform
    from artery_mes.adopted_order as o
    where o.mo_no in (select m.mo_no from unnest(v_messages) as m)
    order by o.mo_no
    for update;
    -- of which no event has come yet
    perform artery_mes.push_adopted(n.mo_no)
    from (
        select distinct m.mo_no collate "C" as mo_no
        from unnest(v_messages) as m
        where not exists (select from artery_mes.adopted_order as o where o.mo_no = m.mo_no)
    ) as n
    where n.mo_no is not null
    order by n.mo_no;

    -- one by one: each may be refused by the ERP alone
    foreach v_message in array v_messages loop
        v_handed := not exists (
            select
            from artery_mes.report_at_erp as w
            inner join artery_staging.mes_production_report as s on s.id = w.report_id
            where w.mo_no = v_message.mo_no and w.report_id < v_message.id and s.status = 'parked'
        );
        if v_handed then
            select
                s.body,
                1 + jsonb_array_length(coalesce(s.history, '[]'))
            into strict v_body, v_try
            from artery_staging.mes_production_report as s
            where s.id = v_message.id;
            v_verdict := artery_mes.hand_over_report(v_message, v_body, v_try);
            v_handed := v_verdict.reasons #>> '{0,code}' = 'IN082';
        else
            v_verdict := row(v_message.id, 'parked', null, jsonb_build_array(artery._reason(
                'IN083', format('an earlier report on order %s is not posted yet', v_message.mo_no),
                'It is handed over when that one is posted or rejected.', '/mo_no'
            )))::artery_mes.report_verdict;
        end if;

        update artery_staging.mes_production_report as s
        set
            status = v_verdict.status,
            processed_at = case when v_verdict.status <> 'parked' then clock_timestamp() end,
            attempts = s.attempts + 1,
            due_at = case
                when v_verdict.status = 'parked'
                    then clock_timestamp() + least(0.5 * 2 ^ least(s.attempts, 6), 20) * interval '1 second'
                else s.due_at
            end,
            result = v_verdict.result,
            reasons = v_verdict.reasons
        where s.id = v_message.id;
        if v_verdict.status = 'parked' then
            insert into artery_mes.report_at_erp as w (report_id, mo_no, handed)
            values (v_message.id, v_message.mo_no, v_handed)
            on conflict (report_id) do update
            set
                asked = w.asked + (w.handed and excluded.handed)::integer,
                since = case when w.handed = excluded.handed then w.since else excluded.since end,
                handed = excluded.handed;
        else
            delete from artery_mes.report_at_erp as w
            where w.report_id = v_message.id;
            if found then
                perform artery_staging._wake_adopted_reports(array[v_message.mo_no]);
            end if;
        end if;
    end loop;
end
$function$;
comment on function artery_staging._take_adopted_reports(bigint[]) is
'Hands reports to the adopted ERP, those of an order one after the other; each ends processed, rejected or parked';
revoke execute on function artery_staging._take_adopted_reports(bigint[]) from public;

-- One that somebody has in hand is left alone, and comes by its own time: waiting could deadlock
create or replace function artery_staging._wake_adopted_reports(p_mo_nos text[])
returns void
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
update artery_staging.mes_production_report as s
set due_at = statement_timestamp()
where s.id in (
    select r.id
    from artery_staging.mes_production_report as r
    where
        r.status = 'parked'
        and r.id in (select w.report_id from artery_mes.report_at_erp as w where w.mo_no = any(p_mo_nos))
    for update skip locked
)
$function$;
comment on function artery_staging._wake_adopted_reports(text[]) is
'Makes parked reports of these orders of the adopted ERP due at once';
revoke execute on function artery_staging._wake_adopted_reports(text[]) from public;
