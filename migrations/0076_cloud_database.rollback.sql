delete from artery.sweep_step
where name like 'pull\_asn\_%';
-- the foreign tables of artery_procurement.setup_cloud; server and mapping belong to who made them
do $$
declare
    v_table regclass;
begin
    for v_table in
        select c.oid::regclass
        from pg_catalog.pg_class as c
        where c.relkind = 'f' and c.relnamespace = 'artery_procurement'::regnamespace
    loop
        execute format('drop foreign table %s', v_table);
    end loop;
end
$$;
drop table if exists artery_procurement.cloud_refusal;
drop table if exists artery_procurement.cloud_server;
