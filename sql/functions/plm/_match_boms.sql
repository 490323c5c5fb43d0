/* Finds the revisions that are there already, and what the message has otherwise. A BOM without a
   revision is compared with the one in force: the same = nothing to do; other lines = the next
   revision. */
create or replace function artery_plm._match_boms(p_message bigint, p_inclusive boolean)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    update artery_plm.bom_import_row as r
    set bom_id = b.id
    from artery_erp.bom as b
    where
        r.message = p_message and r.kind = 'bom' and b.item_code = r.item
        and case
            when r.revision is null then b.status = 'released' and b.effectivity @> now()
            else b.revision = r.revision
        end;
    if not exists (
        select from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'bom' and r.bom_id is not null
    ) then
        return;
    end if;

    with ours as (
        select
            h.seq,
            l.line_no,
            artery_plm._line_json(
                l.component, l.component_revision, l.quantity, l.unit, l.scrap_rate, l.issue_method, l.operation_no,
                l.phantom, l.warehouse, l.effectivity,
                (select array_agg(d.name order by d.name collate "C") from unnest(l.designators) as d (name)),
                (
                    select jsonb_agg(jsonb_build_array(s.component, s.ratio) order by s.priority)
                    from artery_plm._line_substitutes(l.substitutes) as s
                )
            ) as line
        from artery_plm._bom_lines(p_message, p_inclusive) as l
        inner join artery_plm.bom_import_row as h on h.message = p_message and h.kind = 'bom' and h.seq = l.bom
        where h.bom_id is not null
    ),

    theirs as (
        select
            h.seq,
            l.line_no,
            artery_plm._line_json(
                l.component_code, l.component_revision, l.quantity, l.unit, l.scrap_rate, l.issue_method, l.operation_no,
                l.phantom, l.warehouse_code, l.effectivity,
                (
                    select array_agg(d.designator order by d.designator)
                    from artery_erp.bom_line_designator as d
                    where d.bom_id = l.bom_id and d.line_no = l.line_no
                ),
                (
                    select jsonb_agg(jsonb_build_array(s.component_code, trim_scale(s.ratio)) order by s.priority)
                    from artery_erp.bom_line_substitute as s
                    where s.bom_id = l.bom_id and s.line_no = l.line_no
                )
            ) as line
        from artery_plm.bom_import_row as h
        inner join artery_erp.bom_line as l on l.bom_id = h.bom_id
        where h.message = p_message and h.kind = 'bom'
    ),

    difference as (
        select
            coalesce(o.seq, t.seq) as seq,
            jsonb_agg(jsonb_build_object(
                'line_no', coalesce(o.line_no, t.line_no),
                'change', case when t.line is null then 'added' when o.line is null then 'removed' else 'changed' end,
                'from', d.before, 'to', d.after
            ) order by coalesce(o.line_no, t.line_no)) as lines,
            array_agg(coalesce(o.line_no, t.line_no)) as numbers
        from ours as o
        full join theirs as t on t.seq = o.seq and t.line_no = o.line_no
        cross join lateral (
            select
                jsonb_object_agg(k.key, t.line -> k.key) filter (where t.line is not null) as before,
                jsonb_object_agg(k.key, o.line -> k.key) filter (where o.line is not null) as after
            from jsonb_object_keys(coalesce(o.line, t.line)) as k (key)
            where (o.line -> k.key) is distinct from (t.line -> k.key)
        ) as d
        where o.line is distinct from t.line
        group by coalesce(o.seq, t.seq)
    )

    update artery_plm.bom_import_row as r
    set
        changed = d.numbers,
        more = case when d.lines is null then '{}' else jsonb_build_object('lines', d.lines) end
            || case when x.header = '{}' then '{}' else jsonb_build_object('header', x.header) end
            || case when x.operations is null then '{}' else jsonb_build_object('operations', x.operations) end
    from artery_plm.bom_import_row as h
    inner join artery_erp.bom as b on b.id = h.bom_id
    left join difference as d on d.seq = h.seq
    cross join lateral (
        select
            jsonb_strip_nulls(jsonb_build_object(
                'base_quantity', case when coalesce(h.quantity::numeric, 1) <> b.base_quantity then coalesce(h.quantity::numeric, 1) end,
                'unit', case when h.unit <> b.unit then h.unit end,
                'status', case when h.status <> b.status then h.status end,
                'valid_from', case when artery_plm._as_time(h.valid_from) <> coalesce(lower(b.effectivity), '-infinity') then h.valid_from end,
                'valid_to', case when artery_plm._as_time(h.valid_to, p_inclusive) <> coalesce(upper(b.effectivity), 'infinity') then h.valid_to end
            )) as header,
            (
                select jsonb_agg(o.operation_no::integer order by o.operation_no::integer)
                from artery_plm.bom_import_row as o
                where
                    o.message = p_message and o.kind = 'operation' and o.bom = h.seq
                    and not exists (
                        select from artery_erp.bom_operation as e
                        where
                            e.bom_id = h.bom_id and e.operation_no = o.operation_no::integer
                            and e.name is not distinct from o.name
                            and e.work_center is not distinct from o.more ->> 'work_center'
                            and e.setup_minutes = coalesce((o.more ->> 'setup_minutes')::numeric, 0)
                            and e.run_minutes = coalesce((o.more ->> 'run_minutes')::numeric, 0)
                    )
            ) as operations
    ) as x
    where r.message = p_message and r.kind = 'bom' and h.message = p_message and h.kind = 'bom' and h.seq = r.seq;

    update artery_plm.bom_import_row as r
    set
        action = case when r.more = '{}' then 'unchanged' when r.revision is not null then 'updated' end,
        bom_id = case when r.more = '{}' or r.revision is not null then r.bom_id end
    where r.message = p_message and r.kind = 'bom' and r.bom_id is not null;
end
$function$;
comment on function artery_plm._match_boms(bigint, boolean) is
'Says of each BOM of a message whether it is there, and what differs';
