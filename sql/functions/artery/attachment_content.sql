create or replace function artery._attachment(p_id bigint)
returns artery.attachment
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_attachment record;
begin
    select a.* into v_attachment
    from artery.attachment as a
    where a.id = p_id;
    if not found then
        raise exception using
            errcode = 'IN027',
            message = format('there is no attachment %s', p_id),
            detail = 'No row of artery.attachment has this id.',
            hint = 'artery.list_attachments shows those of a document.';
    end if;
    return v_attachment;
end
$function$;
comment on function artery._attachment(bigint) is 'The row of an attachment. Errors: IN027';

create or replace function artery.attachment_info(p_id bigint)
returns table (id bigint, file_name text, bytes bigint, sha256 text, chunks integer)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    a.id,
    a.file_name,
    a.bytes,
    encode(a.sha256, 'hex'),
    a.chunks
from artery._attachment(p_id) as a
$function$;
comment on function artery.attachment_info(bigint) is
'What it takes to read an attachment piece by piece. Errors: IN027';
grant execute on function artery.attachment_info(bigint) to artery_reader, artery_app;

create or replace function artery.attachment_piece(p_id bigint, p_position integer)
returns bytea
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_data bytea;
begin
    perform artery._attachment(p_id);
    select c.data into v_data
    from artery.attachment_chunk as c
    where c.attachment_id = p_id and c.position = p_position;
    return v_data;
end
$function$;
comment on function artery.attachment_piece(bigint, integer) is
'One piece of an attachment, counted from 0; null after the last. For readers that hold no file in memory. Errors: IN027';
grant execute on function artery.attachment_piece(bigint, integer) to artery_reader, artery_app;

create or replace function artery.attachment_content(p_id bigint)
returns bytea
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    c_most constant bigint := 268435456::bigint;
    v_attachment artery.attachment := artery._attachment(p_id);
begin
    if v_attachment.bytes > c_most then
        raise exception using
            errcode = 'program_limit_exceeded',
            message = format('attachment %s has %s bytes, more than one value should have', p_id, v_attachment.bytes),
            detail = format('The limit is %s.', c_most),
            hint = format('Read it in pieces, artery.attachment_piece(%s, 0 to %s), or by artery attachment get.', p_id, v_attachment.chunks - 1);
    end if;
    return (
        select string_agg(c.data, '' order by c.position)
        from artery.attachment_chunk as c
        where c.attachment_id = p_id
    );
end
$function$;
comment on function artery.attachment_content(bigint) is
'The content of an attachment in one value, up to 256 MiB. Errors: IN027, 54000';
grant execute on function artery.attachment_content(bigint) to artery_reader, artery_app;
