create or replace function artery_plm.refresh_wip_impact(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_populated boolean;
begin
    if clock_timestamp() >= p_until then
        return 0::bigint;
    end if;
    select c.relispopulated into v_populated
    from pg_catalog.pg_class as c
    where c.oid = 'artery_plm.wip_impact'::regclass;
    if not v_populated then
        refresh materialized view artery_plm.wip_impact;
    elsif
        exists (
            select
            from artery_erp.engineering_change_order as e
            where e.status in ('submitted', 'approved', 'scheduled', 'implemented')
        )
        or exists (select from artery_plm.wip_impact) then
        -- readers go on meanwhile
        refresh materialized view concurrently artery_plm.wip_impact;
    end if;
    return (select count(*) from artery_plm.wip_impact);
end
$function$;
insert into artery.sweep_step (name, function, every, time_limit, position)
values ('refresh_wip_impact', 'artery_plm.refresh_wip_impact', '1 minute', '1 minute', 70)
on conflict (name) do nothing;

comment on function artery_plm.refresh_wip_impact(timestamptz) is
'Sweep step: refreshes artery_plm.wip_impact; returns how many rows it has';
grant execute on function artery_plm.refresh_wip_impact(timestamptz)
    to artery_admin, artery_operator;
