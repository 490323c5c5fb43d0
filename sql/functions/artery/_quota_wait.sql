/* RateLimit and RateLimit-Policy are lists of structured fields (an IETF draft):
       RateLimit: "burst";r=0;t=3, "daily";r=900;t=4000     RateLimit-Policy: "burst";q=10;w=5
   Older drafts wrote limit=10, remaining=0, reset=3, or RateLimit-Remaining and -Reset with seconds
   to wait; X-RateLimit-Reset holds those or the moment as Unix time, in seconds or milliseconds. */
create or replace function artery._quota_wait(p_headers jsonb, p_now timestamptz)
returns interval
language plpgsql
stable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_member constant text
        := '("(?:[^"\\]|\\.)*"|[A-Za-z*][A-Za-z0-9_.*:/-]*)((?:\s*;\s*[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[^"\\]|\\.)*"|[^;,"]*))?)*)';
    v_seconds numeric;
    v_remaining text;
    v_reset text;
begin
    if p_headers ->> 'ratelimit' ~ '\mremaining\s*=' then
        v_remaining := substring(p_headers ->> 'ratelimit' from '\mremaining\s*=\s*(\d+)');
        v_reset := substring(p_headers ->> 'ratelimit' from '\mreset\s*=\s*(\d+)');
    elsif p_headers ? 'ratelimit' then
        select max(coalesce(
            substring(l.member[2] from ';\s*t=(\d+)')::numeric,
            (
                select substring(w.member[2] from ';\s*w=(\d+)')::numeric
                from regexp_matches(p_headers ->> 'ratelimit-policy', c_member, 'g') as w (member)
                where w.member[1] = l.member[1]
                limit 1
            )
        ))
        into v_seconds
        from regexp_matches(p_headers ->> 'ratelimit', c_member, 'g') as l (member)
        where l.member[2] ~ ';\s*r=0+(\.0*)?\s*(;|$)';
    else
        v_remaining := substring(
            coalesce(p_headers ->> 'ratelimit-remaining', p_headers ->> 'x-ratelimit-remaining')
            from '^\s*(\d+)'
        );
        v_reset := substring(
            coalesce(p_headers ->> 'ratelimit-reset', p_headers ->> 'x-ratelimit-reset')
            from '^\s*(\d+)'
        );
    end if;
    if v_remaining::numeric = 0 then
        v_seconds := v_reset::numeric;
        v_seconds := case
            when v_seconds > 1e11 then v_seconds / 1000 - extract(epoch from p_now)
            when v_seconds > 1e9 then v_seconds - extract(epoch from p_now)
            else v_seconds
        end;
    end if;
    return case when v_seconds is not null then make_interval(
        secs => least(greatest(v_seconds, 0), 999999999)::double precision
    ) end;
end
$function$;
comment on function artery._quota_wait(jsonb, timestamptz) is
'The wait that RateLimit headers ask for, seen from p_now: until the quota that is used up comes '
'back; null where none is';
