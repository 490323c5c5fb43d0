create or replace function artery.disarm(p_reason text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    perform artery._need_reason(p_reason);
    perform artery._write_arming(
        false, p_reason, (select a.follow_promotion from artery.arming as a order by a.armed_at desc limit 1), 'disarm'
    );
    -- runners give back what they have claimed and not begun to send
    perform pg_notify('artery_hold', e.id::text) from artery.endpoint as e;
end
$function$;
comment on function artery.disarm(text) is
'Stops all sending from this database until artery.arm; what is under way ends, all else waits. Errors: IN061 no reason';
grant execute on function artery.disarm(text) to artery_admin;
