/* enqueue_task makes the lane that is missing, but then other producers wait for the end of its
   transaction, two of them perhaps for each other. What a route says is here before them all: only
   a priority of one's own is left to enqueue_task. Definer: lanes are nobody's to write. */
create or replace function artery.route_open_lane()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery.lane (endpoint_id, priority)
    values (new.endpoint_id, new.priority)
    on conflict do nothing;
    return null;
end
$function$;
comment on function artery.route_open_lane() is
'Makes the lane of a route''s endpoint and priority, ahead of its tasks';

create or replace trigger route_open_lane
after insert or update of endpoint_id, priority on artery.route
for each row
execute function artery.route_open_lane();
comment on trigger route_open_lane on artery.route is
'Producers find their lane made, and need not wait for each other''s';
