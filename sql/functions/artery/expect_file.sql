/* A receiver that names a file often says its digest too: in the answer to another call, long
   before the file is fetched. Said in the transaction that enqueues the download. */
create or replace function artery.expect_file(p_task_id bigint, p_sha256 text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    if p_sha256 is null or p_sha256 !~* '^[0-9a-f]{64}$' then
        raise exception using
            errcode = 'IN014',
            message = format('%L is no SHA-256', left(p_sha256, 100)),
            detail = format('Task %s.', p_task_id),
            hint = 'Give 64 hexadecimal digits.';
    end if;
    update artery.integration_task as t
    set download_sha256 = decode(p_sha256, 'hex')
    where t.id = p_task_id and t.status = 'pending' and t.download_bytes is not null;
    if not found then
        raise exception using
            errcode = 'IN006',
            message = format('task %s fetches no file, or was tried already', p_task_id),
            detail = 'Only a pending task of a route with download can be told what to expect.',
            hint = 'Call it in the transaction that enqueues the task.';
    end if;
end
$function$;
comment on function artery.expect_file(bigint, text) is
'Says what the SHA-256 (64 hexadecimal digits) of the file must be that a pending task will fetch: '
'any other is not attached. Errors: IN006 no such pending download, IN014 no SHA-256';
grant execute on function artery.expect_file(bigint, text) to artery_app;
