/* Invoker: the server is the caller's, who needs the right to make it. Foreign tables and mapping
   are artery_owner's, in whose name artery_procurement.pull_asn reads. A silent peer must not hang
   anybody, so no timeout can be left out. A password is refused: it would stand in pg_user_mapping,
   in dumps, and in the log of whatever statement brought it. */
create or replace function artery_procurement.setup_cloud(
    p_server text, p_options jsonb, p_every interval default '5 seconds'
)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- @plpgsql_check_options: security_warnings = off
    -- names are quoted by %I, options by %L
    c_remote constant text := '-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s';
    v_problems text;
    v_super constant boolean := (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user);
    v_role constant text := current_setting('role');
    v_options jsonb;
    v_table record;
    v_missing text[] := '{}'::text[];
begin
    select string_agg(p.problem, '; ') into v_problems from artery_procurement._cloud_problems(p_server, p_options) as p (problem);
    if p_options ?| '{password,sslpassword}' then
        raise exception using
            errcode = 'IN631',
            message = 'a password may not be given here',
            detail = 'It would stand in pg_user_mapping in clear. By now it may stand in the server''s log: change it.',
            hint = 'Put it into a file that only the server can read and name that as passfile; or use sslcert and sslkey.';
    elsif v_problems is not null then
        raise exception using
            errcode = 'IN632',
            message = format('the cloud server %L cannot be set up like that', p_server),
            detail = v_problems || '.',
            hint = 'docs/cloud-database.md has an example.';
    end if;
    if not exists (select from pg_catalog.pg_foreign_data_wrapper as w where w.fdwname = 'postgres_fdw') then
        if not v_super or not exists (select from pg_catalog.pg_available_extensions as a where a.name = 'postgres_fdw') then
            raise exception using
                errcode = 'IN630',
                message = 'postgres_fdw is not there',
                detail = format('%s is %s; the server has %s files of it.', current_user,
                    case when v_super then 'a superuser' else 'no superuser' end,
                    case when v_super then 'no' else 'perhaps' end),
                hint = format('An administrator runs: create extension postgres_fdw; grant usage on foreign data wrapper postgres_fdw to %I;', current_user);
        end if;
        create extension postgres_fdw schema public;
    end if;

    perform artery_procurement.remove_cloud(p_server, false);
    v_options := jsonb_build_object(
        'port', '5432', 'connect_timeout', '5', 'keepalives_idle', '10', 'keepalives_interval', '5', 'keepalives_count', '2',
        'tcp_user_timeout', '10000', 'fetch_size', '100',
        'sslmode', case when p_options ->> 'host' ~ '^(/|localhost$|127\.|::1$)' then 'prefer' else 'verify-full' end
    ) || (p_options - '{user,schema}'::text[])
        || jsonb_build_object('keepalives', '1', 'keep_connections', 'off', 'application_name', 'pg_artery pull', 'options', c_remote);
    execute format('create server %I foreign data wrapper postgres_fdw options (%s)', p_server, (
        select string_agg(format('%I %L', o.name, o.value), ', ' order by o.name) from jsonb_each_text(v_options) as o (name, value)
    ));
    execute format('grant usage on foreign server %I to artery_owner', p_server);
    if v_super then
        -- reads the server's passfile or certificate: a superuser's to allow
        execute format('create user mapping for artery_owner server %I options (user %L, password_required %L)',
            p_server, p_options ->> 'user', 'false');
    else
        v_missing := array[format(
            'a user mapping, for %s is no superuser: who is one runs: create user mapping for artery_owner server %I options (user %L, password_required ''false'')',
            current_user, p_server, p_options ->> 'user'
        )];
    end if;

    set local role artery_owner;
    for v_table in
        select * from (values
            ('asn', 'txid bigint, seq bigint, source text options (column_name ''supplier''), message_id text, body text'),
            ('horizon', 'oldest bigint, next bigint, in_recovery boolean, receiving boolean, lag_seconds double precision, system_identifier text')
        ) as t (name, columns)
    loop
        execute format('create foreign table artery_procurement.%I (%s) server %I options (schema_name %L, table_name %L)',
            p_server || '_' || v_table.name, v_table.columns, p_server, coalesce(p_options ->> 'schema', 'artery_cloud'), v_table.name);
        execute format('comment on foreign table artery_procurement.%I is %L',
            p_server || '_' || v_table.name, 'Of the cloud server ' || p_server || ': artery_procurement.setup_cloud');
    end loop;
    insert into artery_procurement.cloud_server (server) values (p_server) on conflict do nothing;
    insert into artery.sweep_step (name, function, argument, every, position, time_limit)
    values ('pull_asn_' || p_server, 'artery_procurement.pull_due', p_server, p_every, 200, interval '10 seconds')
    on conflict (name) do update
    set every = excluded.every, enabled = true;
    perform set_config('role', v_role, true);

    return jsonb_build_object(
        'server', p_server,
        'connects_as', p_options ->> 'user',
        'sslmode', v_options ->> 'sslmode',
        'missing', to_jsonb(v_missing)
    );
end
$function$;
comment on function artery_procurement.setup_cloud(text, jsonb, interval) is
'Makes server, user mapping and foreign tables for a PostgreSQL in the cloud, and the sweep step that takes its shipping '
'notices: {"host", "dbname", "user", "passfile" or "sslcert" and "sslkey", …} (docs/cloud-database.md). Again: with '
'other options, from where it was. Gives what is missing. Errors: IN630 no postgres_fdw, IN631 a password, IN632 bad options';
grant execute on function artery_procurement.setup_cloud(text, jsonb, interval) to artery_admin;
