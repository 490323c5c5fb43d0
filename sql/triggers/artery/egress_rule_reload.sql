create or replace function artery.egress_rule_reload()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery.endpoint as e
    set version = e.version + 1
    where e.name in (old.endpoint, new.endpoint);
    return null;
end
$function$;
comment on function artery.egress_rule_reload() is
'Raises the endpoint''s version, so that runners take the changed rules up with their next claim';

create or replace trigger egress_rule_reload
after insert or update or delete on artery.egress_rule
for each row
execute function artery.egress_rule_reload();
comment on trigger egress_rule_reload on artery.egress_rule is
'Runners take changed rules up with their next claim';
