-- The row names the transaction that writes it. No exception block may come between the two
-- statements: a subtransaction has a number of its own
create or replace function artery._write_arming(
    p_armed boolean, p_reason text, p_follow boolean, p_action text
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_before jsonb;
    v_after jsonb;
begin
    lock table artery.arming in share row exclusive mode;
    select jsonb_agg(to_jsonb(a)) into v_before from artery.arming as a;
    -- of two claims that found the promotion, one has done it
    if p_action = 'follow' and artery._arming_fault() is distinct from 'promoted' then
        return null;
    end if;
    delete from artery.arming as a where true;
    insert into artery.arming (
        armed, database_oid, system_identifier, timeline, port, follow_promotion, reason
    )
    select
        p_armed,
        h.database_oid,
        h.system_identifier,
        h.timeline,
        h.port,
        p_follow,
        p_reason
    from artery._here() as h;
    update artery.arming as a
    set row_xid = a.xmin::text::bigint
    where true
    returning to_jsonb(a) into v_after;
    insert into artery.arming_event (action, reason, detail)
    values (p_action, p_reason, jsonb_build_object('before', v_before, 'after', v_after));
    return v_after;
end
$function$;
comment on function artery._write_arming(boolean, text, boolean, text) is
'Writes the row of artery.arming for this database and server, in place of all there are, and its event; returns the row';

create or replace function artery._need_reason(p_reason text)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $function$
begin
    if coalesce(btrim(p_reason), '') = '' then
        raise exception using
            errcode = 'IN061',
            message = 'a reason is needed',
            detail = 'It is kept in artery.arming_event, with who and when.',
            hint = $$select artery.arm('restored after the disk failed; the old server is gone');$$;
    end if;
end
$function$;
comment on function artery._need_reason(text) is 'Refuses an empty reason. Errors: IN061';

create or replace function artery.arm(
    p_reason text, p_follow_promotion boolean default false, p_cancel_waiting boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_fault constant text := artery._arming_fault();
    v_cancelled jsonb := '{}'::jsonb;
    v_row jsonb;
begin
    perform artery._need_reason(p_reason);
    if p_cancel_waiting then
        if v_fault is null or v_fault = 'promoted' then
            raise exception using
                errcode = 'IN062',
                message = 'what waits here is about to be sent: this database is armed',
                detail = 'Only what waits in a copy is cancelled all at once.',
                hint = 'Is it a copy that was armed already? artery.disarm first.';
        end if;
        v_cancelled := artery._cancel_waiting(p_reason);
    end if;
    v_row := artery._write_arming(true, p_reason, coalesce(p_follow_promotion, false), 'arm');
    perform artery._wake();
    return v_cancelled || jsonb_build_object(
        'armed', true,
        'was', coalesce(v_fault, 'armed'),
        'follows_promotion', v_row -> 'follow_promotion',
        'system_identifier', v_row ->> 'system_identifier',
        'timeline', v_row -> 'timeline',
        'database_oid', v_row -> 'database_oid',
        'port', v_row -> 'port'
    );
end
$function$;
comment on function artery.arm(text, boolean, boolean) is
'Lets this database send, as it is and on this server; with p_follow_promotion a standby of it, too, once promoted. '
'p_cancel_waiting: what waits in a copy is cancelled first, its sagas wait for a person. Returns what it was and is bound to. '
'Errors: IN061 no reason, IN062 armed already, or leases still run; 25006 on a standby';
grant execute on function artery.arm(text, boolean, boolean) to artery_admin;
