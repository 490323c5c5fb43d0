create or replace function artery.list_attachments(
    p_document_id text default null, p_document_type text default null, p_limit integer default 100
)
returns table (
    id bigint,
    document_type text,
    document_id text,
    topic text,
    kind text,
    file_name text,
    content_type text,
    bytes bigint,
    sha256 text,
    chunks integer,
    attached_at timestamptz
)
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    a.id,
    a.document_type,
    a.document_id,
    a.topic,
    a.kind,
    a.file_name,
    a.content_type,
    a.bytes,
    encode(a.sha256, 'hex'),
    a.chunks,
    a.attached_at
from artery.attachment as a
where
    (p_document_id is null or a.document_id = p_document_id)
    and (p_document_type is null or a.document_type = p_document_type)
order by a.id desc
limit p_limit
$function$;
comment on function artery.list_attachments(text, text, integer) is
'The newest attachments, of one document or of all';
grant execute on function artery.list_attachments(text, text, integer) to artery_reader, artery_app;
