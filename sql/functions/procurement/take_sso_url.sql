-- Another user's ticket and one that never was are told apart by nobody
create or replace function artery_procurement.take_sso_url(
    p_ticket text, p_user text, p_wait interval
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_until constant timestamptz := clock_timestamp() + least(greatest(p_wait, interval '0'), interval '1 minute');
    v_launch record;
    v_answer jsonb;
    v_pause double precision := 0.005::double precision;
begin
    loop
        -- each look sees what was committed until then; no lock is held while it waits
        select
            l.*,
            l.xmin::text = pg_current_xact_id_if_assigned()::xid::text as is_own
        into v_launch
        from artery_procurement.sso_launch as l
        where l.ticket_hash = sha256(convert_to(p_ticket, 'UTF8')) and l.user_name = p_user;
        if not found then
            raise exception using
                errcode = 'IN655',
                message = 'there is no such ticket for this user',
                detail = format('User %L; the ticket is not shown here.', p_user),
                hint = 'Give the ticket of sso_launch, after its transaction committed, and the same user.';
        elsif v_launch.status = 'launched' then
            raise exception using
                errcode = 'IN656',
                message = 'the ticket was used already',
                detail = format('Launch %s of user %L on %L, used at %s.',
                    v_launch.id, p_user, v_launch.platform, v_launch.ended_at),
                hint = 'Begin anew with sso_launch: each click has a ticket of its own.';
        elsif v_launch.status = 'failed' then
            return jsonb_build_object(
                'launch', v_launch.id, 'status', 'failed', 'url', null, 'reasons', v_launch.reasons
            );
        elsif v_launch.status = 'expired' or v_launch.expires_at <= clock_timestamp() then
            raise exception using
                errcode = 'IN657',
                message = 'the ticket has expired',
                detail = format('Launch %s of user %L on %L, good until %s%s.',
                    v_launch.id, p_user, v_launch.platform, v_launch.expires_at,
                    coalesce('; ' || (v_launch.reasons -> 0 ->> 'message'), '')),
                hint = 'Begin anew with sso_launch. If the platform was too slow: valid_for, or is a runner up?';
        elsif v_launch.status = 'ready' then
            with ready as materialized (
                select
                    l.id,
                    l.url
                from artery_procurement.sso_launch as l
                where l.id = v_launch.id and l.status = 'ready'
                for update
            )

            update artery_procurement.sso_launch as l
            set status = 'launched', url = null, ended_at = clock_timestamp()
            from ready as r
            where l.id = r.id
            returning jsonb_build_object('launch', r.id, 'status', 'ready', 'url', r.url) into v_answer;
            if found then
                return v_answer;
            end if;
            continue;  -- somebody else was quicker
        end if;

        exit when clock_timestamp() >= v_until;
        if current_setting('transaction_isolation') <> 'read committed' or v_launch.is_own then
            raise exception using
                errcode = 'IN659',
                message = 'this transaction can wait for no sign-on',
                detail = case
                    when v_launch.is_own then 'It began the launch itself, and the call goes out when it commits.'
                    else format('It is %s, and sees no answer however long it waits.',
                        upper(current_setting('transaction_isolation')))
                end,
                hint = 'Commit sso_launch, then call sso_launch_url in a transaction of its own.';
        end if;
        perform pg_sleep(v_pause);
        v_pause := least(v_pause * 1.5::double precision, 0.1::double precision);
    end loop;

    return jsonb_build_object(
        'launch', v_launch.id,
        'status', 'waiting',
        'url', null,
        -- what went wrong so far, if it did
        'reasons', (
            select jsonb_build_array(artery._reason(
                'IN658', t.error ->> 'message', 'It is tried on until the ticket expires.', ''
            ))
            from artery.integration_task as t
            where t.id = v_launch.task_id and t.status = 'failed' and t.error ? 'message'
        )
    );
end
$function$;
comment on function artery_procurement.take_sso_url(text, text, interval) is
'Gives a launch''s URL, once: see artery_api_v1.sso_launch_url';
revoke execute on function artery_procurement.take_sso_url(text, text, interval) from public;
