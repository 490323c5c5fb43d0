/* The last word on a file: attached if what was stored is all of what was received, fits the
   digest that its sender gave (RFC 9530), or had announced (artery.expect_file), and ends as
   its kind does. The task's first file stays: a second fetch, after a report that was lost,
   attaches nothing new and gives the first. */
create or replace function artery.finish_download(
    p_runner bigint, p_task_id bigint, p_attempt integer, p_chunks integer, p_bytes bigint,
    p_sha256 bytea, p_headers jsonb default '{}'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_task record;
    v_download record;
    v_first record;
    v_problem text;
    v_digest text := substring(concat_ws(
        ',', p_headers ->> 'repr-digest', p_headers ->> 'content-digest', p_headers ->> 'digest'
    ) from '(?i)sha-256=:?([A-Za-z0-9+/]{43}=)');
begin
    select
        t.request_id,
        t.topic,
        t.document_type,
        t.document_id,
        t.download_sha256
    into v_task
    from artery.integration_task as t
    where
        t.id = p_task_id
        and t.attempt = p_attempt
        and t.runner_id = p_runner
        and t.locked_until is not null
    for update;
    if not found then
        return artery._download_verdict('interrupted', 'the lease was lost while the file came in');
    end if;

    delete from artery.download as d
    where d.task_id = p_task_id and d.attempt = p_attempt
    returning d.attachment_id, d.kind, d.chunks, d.bytes
    into v_download;
    select
        a.id,
        a.bytes,
        a.sha256,
        a.content_type,
        a.file_name
    into v_first
    from artery.attachment as a
    where a.task_id = p_task_id;

    if v_first.id is null then
        v_problem := case
            when v_download.attachment_id is null or p_chunks = 0 then 'the answer holds no file'
            when v_download.chunks <> p_chunks or v_download.bytes <> p_bytes then format(
                'stored %s pieces of %s bytes, received %s of %s', v_download.chunks, v_download.bytes, p_chunks, p_bytes
            )
            when v_digest <> encode(p_sha256, 'base64') then 'its SHA-256 is not the one that its sender gave'
            when v_task.download_sha256 <> p_sha256 then 'its SHA-256 is not the one that was announced'
            else artery._file_problem(v_download.kind, null, (
                select string_agg(c.data, '' order by c.position)
                from artery.attachment_chunk as c
                where c.attachment_id = v_download.attachment_id and c.position >= p_chunks - 2
            ))
        end;
        if v_problem is null then
            insert into artery.attachment (
                id, task_id, request_id, topic, document_type, document_id, kind, file_name, content_type, bytes,
                sha256, chunks
            )
            values (
                v_download.attachment_id, p_task_id, v_task.request_id, v_task.topic, v_task.document_type,
                v_task.document_id, v_download.kind,
                artery._file_name(
                    p_headers ->> 'content-disposition', coalesce(v_task.document_id, v_task.topic), v_download.kind
                ),
                left(p_headers ->> 'content-type', 200), p_bytes, p_sha256, p_chunks
            )
            returning id, bytes, sha256, content_type, file_name
            into v_first;
        end if;
    end if;
    if v_first.id is distinct from v_download.attachment_id then
        delete from artery.attachment_chunk as c
        where c.attachment_id = v_download.attachment_id;
    end if;
    if v_problem is not null then
        return artery._download_verdict('bad_content', v_problem);
    end if;
    return jsonb_build_object(
        'attachment_id', v_first.id,
        'file_name', v_first.file_name,
        'content_type', v_first.content_type,
        'bytes', v_first.bytes,
        'sha256', encode(v_first.sha256, 'hex')
    );
end
$function$;
comment on function artery.finish_download(bigint, bigint, integer, integer, bigint, bytea, jsonb) is
'Attaches the file that a task has fetched: {"attachment_id", "file_name", "content_type", "bytes", '
'"sha256"}, which its reply handler gets as the body; or {"error_kind", "error"} if it is not whole or not of its kind. Idempotent';
grant execute on function artery.finish_download(
    bigint, bigint, integer, integer, bigint, bytea, jsonb
) to artery_runner;
