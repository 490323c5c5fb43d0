-- Roles are cluster-wide and NOLOGIN: a site grants them to its own login roles. Whoever may not
-- create roles gets one error that names all that are missing and the statements an administrator
-- has to run.
do $roles$
declare
    v_missing text[];
    v_statements text;
    -- from PostgreSQL 16 on, membership alone does not let a role be assumed
    v_assume text := case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end;
begin
    select array_agg(wanted.name order by wanted.position)
    into v_missing
    from unnest(array[
        'artery_owner', 'artery_reader', 'artery_operator', 'artery_admin', 'artery_runner', 'artery_app'
    ]) with ordinality as wanted (name, position)
    where not exists (select from pg_catalog.pg_roles as r where r.rolname = wanted.name);

    -- objects are created as their owner, so the migrating role must be able to become it
    select string_agg(s.statement, '; ' order by s.position)
    into v_statements
    from (
        select 1 as position, format('create role %I nologin', m.name) as statement
        from unnest(v_missing) as m (name)
        union all
        select 2, format('grant artery_owner to %I', current_user)
        where case
            when 'artery_owner' = any(v_missing) then true
            else not pg_has_role(current_user, 'artery_owner', v_assume)
        end
        union all
        select 3, format('grant %I to %I', g.granted, g.member)
        from (values ('artery_reader', 'artery_operator'), ('artery_operator', 'artery_admin')) as g (granted, member)
        where case
            when array[g.granted, g.member] && v_missing then true
            else not pg_has_role(g.member::name, g.granted::name, 'member')
        end
    ) as s;

    if v_statements is not null then
        execute v_statements;
    end if;
exception when insufficient_privilege then
    raise exception using
        errcode = 'insufficient_privilege',
        message = format('%s may not create or grant the roles that pg_artery needs', current_user),
        detail = coalesce('Missing: ' || array_to_string(v_missing, ', ') || '.', 'The roles are there, not all grants.'),
        hint = format('Have an administrator run: %s; and migrate again.', v_statements);
end
$roles$;

create schema if not exists artery authorization artery_owner;
create schema if not exists artery_erp authorization artery_owner;
create schema if not exists artery_staging authorization artery_owner;
create schema if not exists artery_plm authorization artery_owner;
create schema if not exists artery_mes authorization artery_owner;
create schema if not exists artery_iot authorization artery_owner;
create schema if not exists artery_tax authorization artery_owner;
create schema if not exists artery_procurement authorization artery_owner;
create schema if not exists artery_monitor authorization artery_owner;
create schema if not exists artery_api_v1 authorization artery_owner;

set local role artery_owner;

comment on schema artery is
'pg_artery, the engine: outbox, endpoints, delivery, cloud log, sweeps; knows no domain';
comment on schema artery_erp is 'pg_artery, reference master data and documents';
comment on schema artery_staging is
'pg_artery, the inbox: one table for each kind of inbound message';
comment on schema artery_plm is 'pg_artery, design: BOM import, engineering changes, their impact';
comment on schema artery_mes is
'pg_artery, execution: dispatch to the MES, production reports, backflush';
comment on schema artery_iot is 'pg_artery, machines: sensor readings and OEE';
comment on schema artery_tax is 'pg_artery, the tax cloud: invoices';
comment on schema artery_procurement is
'pg_artery, the supplier cloud: purchase orders and shipping notices';
comment on schema artery_monitor is 'pg_artery, views for people and dashboards';
comment on schema artery_api_v1 is
'pg_artery, versioned functions for other systems: the only surface that promises stability';

-- default-deny: a function is executable by nobody until its own file grants it
alter default privileges for role artery_owner revoke execute on functions from public;
alter default privileges for role artery_owner revoke usage on types from public;

grant usage on schema artery
to artery_reader, artery_operator, artery_admin, artery_runner, artery_app;
grant usage on schema artery_erp to artery_reader, artery_app;
grant usage on schema
    artery_plm, artery_mes, artery_iot, artery_tax, artery_procurement
    to artery_reader, artery_operator, artery_admin;
grant usage on schema artery_monitor to artery_reader;
grant usage on schema artery_api_v1 to artery_app;
