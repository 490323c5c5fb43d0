/* Compared with what is open here when the answer is read, not when the question was sent. Orders
   whose message is still on its way are left out: they differ by nature. */
create or replace function artery_mes.handle_reconciliation(p_reply jsonb)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_task_id bigint := (p_reply ->> 'task_id')::bigint;
    v_theirs jsonb := case
        when p_reply ->> 'outcome' = 'sent' and jsonb_typeof(p_reply -> 'body') = 'object'
            and jsonb_typeof(p_reply #> '{body,orders}') = 'array'
            then p_reply #> '{body,orders}'
    end;
    v_id bigint;
    v_count integer;
begin
    update artery_mes.reconciliation as r
    set
        status = case when v_theirs is null then 'failed' else 'answered' end,
        answered_at = clock_timestamp(),
        reason = case
            when v_theirs is not null then null
            when p_reply ->> 'outcome' = 'sent' then 'the answer has no array "orders"'
            else coalesce(p_reply -> 'error' ->> 'message', 'HTTP ' || (p_reply ->> 'status_code'), 'no answer')
        end
    where r.task_id = v_task_id
    returning r.id into v_id;
    if v_id is null then
        raise exception using
            errcode = 'IN301',
            message = format('task %s asked for no reconciliation', v_task_id),
            detail = format('Topic %s.', p_reply ->> 'topic'),
            hint = 'Only the route mes.reconciliation can have this reply handler.';
    end if;
    delete from artery_mes.reconciliation_difference as d
    where d.reconciliation_id = v_id;
    if v_theirs is null then
        return;
    end if;

    with there as (
        select distinct on (artery_erp.clean_code(o.entry ->> 'mo_no'))
            artery_erp.clean_code(o.entry ->> 'mo_no') as mo_no,
            o.entry
        from jsonb_array_elements(v_theirs) with ordinality as o (entry, place)
        where jsonb_typeof(o.entry) = 'object' and o.entry ->> 'mo_no' is not null
        order by artery_erp.clean_code(o.entry ->> 'mo_no'), o.place desc
    ),

    here as (
        select
            mo.mo_no,
            jsonb_build_object(
                'version', mo.version, 'status', mo.status, 'quantity', trim_scale(mo.quantity)::text
            ) as entry,
            mo.status in ('released', 'in_progress', 'held') as open
        from artery_mes.shop_order as mo
        where mo.status in ('released', 'in_progress', 'held') or mo.mo_no in (select t.mo_no from there as t)
    ),

    compared as (
        select
            coalesce(h.mo_no, t.mo_no) as mo_no,
            h.entry as here,
            t.entry as there,
            case
                when t.mo_no is null then array['missing_there']
                when not coalesce(h.open, false) then array['missing_here']
                else array_remove(array[
                    case when t.entry ->> 'version' <> h.entry ->> 'version' then 'version' end,
                    case when t.entry ->> 'status' <> h.entry ->> 'status' then 'status' end,
                    case
                        when not coalesce(t.entry ->> 'quantity' ~ '^\d{1,15}(\.\d{1,15})?$', true) then 'quantity'
                        when (t.entry ->> 'quantity')::numeric <> (h.entry ->> 'quantity')::numeric then 'quantity'
                    end
                ], null)
            end as differences
        from here as h
        full join there as t on t.mo_no = h.mo_no
        where (h.open or t.mo_no is not null) and not exists (
            select
            from artery_mes.mo_dispatch as d
            inner join artery.integration_task as k on k.id = d.task_id
            where
                d.mo_no = coalesce(h.mo_no, t.mo_no)
                and k.status in ('pending', 'processing', 'failed')
        )
    )

    insert into artery_mes.reconciliation_difference (reconciliation_id, mo_no, difference, here, there)
    select
        v_id,
        c.mo_no,
        unnest(c.differences),
        c.here,
        c.there
    from compared as c;
    get diagnostics v_count = row_count;
    update artery_mes.reconciliation as r
    set differences = v_count
    where r.id = v_id;
end
$function$;

comment on function artery_mes.handle_reconciliation(jsonb) is
'Reply handler: compares the MES''s answer {"orders": [{"mo_no", "version", "status", "quantity"}]} with what is open '
'here; keys that it leaves out are not compared. Errors: IN301 the task asked for none';
revoke execute on function artery_mes.handle_reconciliation(jsonb) from public;
