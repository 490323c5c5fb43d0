create or replace function artery.drop_archived(p_id bigint)
returns boolean
language sql
volatile
set search_path = pg_catalog, pg_temp
as $function$
select artery._drop_archived(p_id)
$function$;
comment on function artery.drop_archived(bigint) is
'Drops a partition whose archive is verified; false if that was done, or another session does. Errors: IN071 it is '
'attached again, 55P03 somebody reads it: the sweep drops it later';
grant execute on function artery.drop_archived(bigint) to artery_owner;
