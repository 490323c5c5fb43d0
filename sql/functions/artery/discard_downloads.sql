-- What a lost lease, a failed call or a cancelled task left
create or replace function artery.discard_downloads(p_until timestamptz)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_id bigint;
    v_count bigint := 0::bigint;
begin
    -- a loop: each may be 2 GiB of chunks
    for v_id in
        select d.attachment_id
        from artery.download as d
        where not exists (
            select from artery.integration_task as t
            where t.id = d.task_id and t.attempt = d.attempt and t.status = 'processing'
        )
        order by d.attachment_id
        for update of d skip locked
    loop
        exit when clock_timestamp() >= p_until;
        delete from artery.attachment_chunk as c
        where c.attachment_id = v_id;
        delete from artery.download as d
        where d.attachment_id = v_id;
        v_count := v_count + 1;
    end loop;
    return v_count;
end
$function$;
insert into artery.sweep_step (name, function, every, position)
values ('discard_downloads', 'artery.discard_downloads', '1 minute', 40)
on conflict (name) do nothing;

comment on function artery.discard_downloads(timestamptz) is
'Sweep step: removes what is left of downloads that nobody goes on with; returns how many';
grant execute on function artery.discard_downloads(timestamptz) to artery_admin;
