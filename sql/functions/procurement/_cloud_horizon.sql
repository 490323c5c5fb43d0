/* The first word with the other side, so the one that a silent peer would hang. PostgreSQL 15's
   postgres_fdw keeps connect_timeout. From 16 on it does not, and waits for ever for a server that
   accepts and says nothing; 17 and 18 have a timeout that counts from the moment it is set, and
   ends the session. On 16 only the caller's statement_timeout helps. */
create or replace function artery_procurement._cloud_horizon(
    p_server text,
    out oldest bigint, out next bigint, out in_recovery boolean, out receiving boolean,
    out lag_seconds double precision, out system_identifier text
)
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- @plpgsql_check_options: security_warnings = off
    -- the server's name is quoted by %I
    v_bounds constant boolean := current_setting('transaction_timeout', true) in ('0', '0ms');
begin
    if v_bounds then
        perform set_config('transaction_timeout', (
            select ((split_part(o.option, '=', 2)::integer) * 1000 + 500)::text
            from pg_catalog.pg_foreign_server as s
            cross join unnest(s.srvoptions) as o (option)
            where s.srvname = p_server and o.option like 'connect\_timeout=%'
        ), true);
    end if;
    execute format('select h.oldest, h.next, h.in_recovery, h.receiving, h.lag_seconds, h.system_identifier from artery_procurement.%I as h',
        p_server || '_horizon')
    into oldest, next, in_recovery, receiving, lag_seconds, system_identifier;
    if v_bounds then
        perform set_config('transaction_timeout', '0', true);
    end if;
end
$function$;
comment on function artery_procurement._cloud_horizon(text) is
'What a cloud server says of itself: the oldest open transaction, the next one, whether it is a replica, and how far behind';
revoke execute on function artery_procurement._cloud_horizon(text) from public;
