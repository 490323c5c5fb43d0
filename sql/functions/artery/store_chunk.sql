/* One piece of a file that a runner is fetching. Fenced on (id, attempt, runner, leased) like every
   write-back. Position 0 begins: it takes the place of what an earlier attempt left. The same piece
   again changes nothing, so that it may be sent again after a lost reply. */
create or replace function artery.store_chunk(
    p_runner bigint, p_task_id bigint, p_attempt integer, p_position integer, p_data bytea
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
    v_problem text;
begin
    select
        t.download_bytes,
        r.download as kind
    into v_task
    from artery.integration_task as t
    inner join artery.route as r on r.topic = t.topic
    where
        t.id = p_task_id
        and t.attempt = p_attempt
        and t.runner_id = p_runner
        and t.locked_until is not null;
    if not found then
        return artery._download_verdict('interrupted', 'the lease was lost while the file came in');
    end if;

    if p_position = 0 then
        v_problem := artery._file_problem(v_task.kind, p_data, null);
        if v_problem is not null then
            return artery._download_verdict('bad_content', format('no %s file: %s', v_task.kind, v_problem));
        end if;
        with old as (
            delete from artery.download as d
            where d.task_id = p_task_id and d.attempt <> p_attempt
            returning d.attachment_id
        )

        delete from artery.attachment_chunk as c
        using old as o
        where c.attachment_id = o.attachment_id;
        insert into artery.download (task_id, attempt, kind)
        values (p_task_id, p_attempt, coalesce(v_task.kind, 'any'))
        on conflict (task_id) do nothing;
    end if;

    update artery.download as d
    set
        chunks = d.chunks + 1,
        bytes = d.bytes + octet_length(p_data)
    where d.task_id = p_task_id and d.attempt = p_attempt and d.chunks = p_position
    returning d.attachment_id, d.bytes
    into v_download;
    if not found then
        if exists (
            select from artery.download as d
            where d.task_id = p_task_id and d.attempt = p_attempt and d.chunks > p_position
        ) then
            return null;
        end if;
        return artery._download_verdict('storage', format('piece %s came out of turn', p_position));
    elsif v_download.bytes > v_task.download_bytes then
        return artery._download_verdict('too_large', format('the file is larger than %s bytes', v_task.download_bytes));
    end if;
    insert into artery.attachment_chunk (attachment_id, position, data)
    values (v_download.attachment_id, p_position, p_data);
    return null;
end
$function$;
comment on function artery.store_chunk(bigint, bigint, integer, integer, bytea) is
'Stores a piece of the file that a task fetches, in their order from 0; null = go on, else '
'{"error_kind", "error"}: stop, and report that. Idempotent';
grant execute on function artery.store_chunk(
    bigint, bigint, integer, integer, bytea
) to artery_runner;
