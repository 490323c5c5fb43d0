create or replace function artery_procurement.restart_cloud(p_server text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_procurement.cloud_server as c
    set txid = 0, seq = 0, system_identifier = null
    where c.server = p_server;
    if not found then
        raise exception using
            errcode = 'IN633',
            message = format('there is no cloud server %L', p_server),
            detail = 'artery_procurement.cloud_server has those there are.',
            hint = 'Set it up with artery_procurement.setup_cloud (docs/cloud-database.md).';
    end if;
end
$function$;
comment on function artery_procurement.restart_cloud(text) is
'Has a cloud server read from its beginning: what the inbox has is a duplicate, the rest is taken. Errors: IN633 no such server';
grant execute on function artery_procurement.restart_cloud(text) to artery_admin;
