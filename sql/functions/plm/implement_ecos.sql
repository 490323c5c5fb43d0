create or replace function artery_plm.implement_ecos(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_eco_no text;
    v_count bigint := 0::bigint;
begin
    for v_eco_no in
        select e.eco_no
        from artery_erp.engineering_change_order as e
        where e.status = 'scheduled' and e.effective_at <= now()
        order by e.eco_no
    loop
        exit when clock_timestamp() >= p_until;
        perform artery_plm.set_eco_status(v_eco_no, 'implemented');
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('implement_ecos', 'artery_plm.implement_ecos', '10 seconds', 58)
on conflict (name) do nothing;

comment on function artery_plm.implement_ecos(timestamptz) is
'Sweep step: scheduled ECOs whose day has come are implemented; returns how many';
grant execute on function artery_plm.implement_ecos(timestamptz) to artery_admin;
