-- A message like those of the shop floor: the release neither waits for stock nor fails for it
create or replace function artery_staging.manufacturing_order_post_release()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_staging.mes_production_report (source, message_id, body)
    select
        'artery',
        'release:' || new.mo_no,
        jsonb_build_object('kind', 'release', 'mo_no', new.mo_no)
    where exists (
        select
        from artery_erp.manufacturing_order_line as l
        where l.mo_no = new.mo_no and l.issue_method = 'backflush' and l.issue_at = 'release'
    )
    on conflict do nothing;
    return null;
end
$function$;

-- triggers of one moment fire in the order of their names: after ..._on_release, which makes lines
create or replace trigger manufacturing_order_post_release
after update on artery_erp.manufacturing_order
for each row
when (old.status = 'planned' and new.status = 'released')
execute function artery_staging.manufacturing_order_post_release();

comment on function artery_staging.manufacturing_order_post_release() is
'Has the components that are issued at release posted with the next sweep';
