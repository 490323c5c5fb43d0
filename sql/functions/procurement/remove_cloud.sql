create or replace function artery_procurement.remove_cloud(
    p_server text, p_forget boolean default true
)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- @plpgsql_check_options: security_warnings = off
    -- names are quoted by %I
    v_role constant text := current_setting('role');
begin
    set local role artery_owner;
    execute format('drop foreign table if exists artery_procurement.%I, artery_procurement.%I',
        p_server || '_asn', p_server || '_horizon');
    delete from artery.sweep_step as s where s.name = 'pull_asn_' || p_server;
    if p_forget then
        delete from artery_procurement.cloud_server as c where c.server = p_server;
    end if;
    perform set_config('role', v_role, true);
    if exists (select from pg_catalog.pg_foreign_server as s where s.srvname = p_server) then
        if exists (
            select from pg_catalog.pg_user_mappings as m where m.srvname = p_server and m.usename = 'artery_owner'
        ) then
            execute format('drop user mapping for artery_owner server %I', p_server);
        end if;
        execute format('revoke usage on foreign server %I from artery_owner', p_server);
        execute format('drop server %I', p_server);
    end if;
end
$function$;
comment on function artery_procurement.remove_cloud(text, boolean) is
'Takes back what artery_procurement.setup_cloud made; p_forget false keeps how far the server was read. What was taken stays';
grant execute on function artery_procurement.remove_cloud(text, boolean) to artery_admin;
