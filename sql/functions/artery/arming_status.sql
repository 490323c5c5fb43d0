/* Definer, so that everybody who looks sees what the claim sees. On a standby nothing is known:
   what it will be is decided when it is promoted. */
create or replace function artery.arming_status()
returns table (
    armed boolean,
    fault text,
    why text,
    mend text,
    follows_promotion boolean,
    reason text,
    armed_by text,
    armed_at timestamptz,
    bound_to text,
    here text
)
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_place constant text := 'system %s, timeline %s, database oid %s, port %s';
    v_here record;
begin
    fault := artery._arming_fault();
    armed := case when fault is null then true when fault = 'promoted' then true when fault <> 'standby' then false end;
    if fault is distinct from 'standby' then
        v_here := artery._here();
        here := format(
            c_place, coalesce(v_here.system_identifier::text, 'not told'), v_here.timeline, v_here.database_oid, v_here.port
        );
    end if;
    -- of two, the one out of a dump tells more: it is the older one
    select
        a.follow_promotion,
        a.reason,
        a.armed_by,
        a.armed_at,
        format(c_place, coalesce(a.system_identifier::text, 'not told'), a.timeline, a.database_oid, a.port)
    into follows_promotion, reason, armed_by, armed_at, bound_to
    from artery.arming as a
    order by a.armed_at
    limit 1;
    why := case fault
        when 'never' then 'nobody has let this database send'
        when 'restored' then 'it was restored from a dump'
        when 'disarmed' then format('%s stopped it at %s: %s', armed_by, date_trunc('second', armed_at), reason)
        when 'cloned' then 'it is a clone of the database that may send'
        when 'system' then 'it is on another cluster than the one that may send: upgraded by pg_upgrade, or a copy'
        when 'timeline' then 'the server was promoted, or recovered, since it was armed'
        when 'recovered' then 'the server was recovered to a moment of the past (recovery_target…)'
        when 'port' then 'the server listens on another port than when it was armed: moved, or a copy of its files'
        when 'promoted' then 'the server was promoted; it goes on, as it was told to'
        when 'standby' then 'a standby: it only reads'
    end;
    mend := case
        when armed is false then
            'Tasks wait, none is lost. Is this production, and does no other copy of it send? artery arm. Is it a copy: leave it '
            'so, or artery arm --cancel-waiting. docs/backup.md.'
    end;
    return next;
end
$function$;
comment on function artery.arming_status() is
'Whether this database may send, else why not and what to do; what it was bound to, and where it is now. One row; armed is null '
'on a standby';
grant execute on function artery.arming_status() to artery_reader;

create or replace function artery._check_armed()
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status record;
begin
    select s.* into v_status from artery.arming_status() as s;
    if v_status.armed then
        perform artery._write_arming(true, 'promoted', v_status.follows_promotion, 'follow')
        where v_status.fault = 'promoted';
        return;
    end if;
    raise exception using
        errcode = 'IN060',
        message = format('this database sends nothing: %s', v_status.why),
        detail = format('May send: %s. This is: %s.', coalesce(v_status.bound_to, 'none'), coalesce(v_status.here, 'a standby')),
        hint = v_status.mend;
end
$function$;
comment on function artery._check_armed() is
'Binds the database anew after a promotion that it may follow. Errors: IN060 it may not send';
