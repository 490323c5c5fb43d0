create or replace function artery.attachment_drop_chunks()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    delete from artery.attachment_chunk as c
    where c.attachment_id = old.id;
    return old;
end
$function$;
comment on function artery.attachment_drop_chunks() is 'Removes the content with its attachment';

create or replace trigger attachment_drop_chunks
after delete on artery.attachment
for each row
execute function artery.attachment_drop_chunks();
comment on trigger attachment_drop_chunks on artery.attachment is
'The content goes with its row';
