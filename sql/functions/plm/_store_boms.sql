/* New revisions of a message. One that begins later ends the one before it, where that is open;
   one that names no beginning begins now, unless it is the first. */
create or replace function artery_plm._add_revisions(p_message bigint, p_inclusive boolean)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_reasons jsonb;
begin
    update artery_plm.bom_import_row as r
    set
        action = 'created',
        revision = coalesce(r.revision, (
            select (1 + count(*) + coalesce(max(case when b.revision ~ '^[0-9]{1,9}$' then b.revision::integer end) - count(*), 0))::text
            from artery_erp.bom as b
            where b.item_code = r.item
        ))
    where r.message = p_message and r.kind = 'bom' and r.action is null;

    -- lines of time of the items concerned: what is there, and what comes
    with window_of as (
        select
            r.item,
            r.seq,
            null::bigint as bom_id,
            coalesce(artery_plm._as_time(r.valid_from), case when e.there then now() end) as starts,
            artery_plm._as_time(r.valid_to, p_inclusive) as ends,
            true as ours
        from artery_plm.bom_import_row as r
        cross join lateral (
            select exists (
                select from artery_erp.bom as b where b.item_code = r.item and b.status = 'released'
            ) as there
        ) as e
        where r.message = p_message and r.kind = 'bom' and r.action = 'created' and coalesce(r.status, 'released') = 'released'
        union all
        select
            b.item_code,
            null,
            b.id,
            lower(b.effectivity),
            -- where another begins it was ended for that one, and may as well end before
            case when not exists (
                select from artery_erp.bom as o
                where
                    o.item_code = b.item_code and o.status = 'released'
                    and lower(o.effectivity) = upper(b.effectivity)
            ) then upper(b.effectivity) end,
            false
        from artery_erp.bom as b
        where
            b.status = 'released'
            and b.item_code in (
                select r.item from artery_plm.bom_import_row as r
                where r.message = p_message and r.kind = 'bom' and r.action = 'created'
            )
    ),

    closed as (
        select
            w.*,
            case when w.ends is null then lead(w.starts) over (partition by w.item order by w.starts nulls first) else w.ends end as until
        from window_of as w
    ),

    ended as (
        update artery_erp.bom as b
        set effectivity = tstzrange(c.starts, c.until)
        from closed as c
        where
            c.bom_id = b.id and c.ends is null and c.until <> coalesce(upper(b.effectivity), 'infinity')
            and c.starts is distinct from c.until
    ),

    dated as (
        update artery_plm.bom_import_row as r
        set valid_from = c.starts::text, valid_to = c.until::text
        from closed as c
        where r.message = p_message and r.kind = 'bom' and c.ours and c.seq = r.seq
    )

    select jsonb_agg(artery._reason(
        'IN211', format('item %s: two revisions would be in force at one time', c.item),
        'Send when each begins and ends, or withdraw one.', coalesce(r.path, '') || '/valid_from'
    ))
    into v_reasons
    from closed as c
    inner join closed as o
        on o.item = c.item and o.ours
        and (o.seq, coalesce(o.bom_id, 0)) is distinct from (c.seq, coalesce(c.bom_id, 0))
        and tstzrange(o.starts, o.until) && tstzrange(c.starts, c.until)
        and (not c.ours or c.seq < o.seq)
    left join artery_plm.bom_import_row as r on r.message = p_message and r.kind = 'bom' and r.seq = o.seq;
    if v_reasons is not null then
        return v_reasons;
    end if;

    with stored as (
        insert into artery_erp.bom (item_code, revision, status, base_quantity, unit, effectivity)
        select
            r.item,
            r.revision,
            coalesce(r.status, 'released'),
            coalesce(r.quantity::numeric, 1),
            coalesce(r.unit, i.stock_unit),
            tstzrange(
                case when coalesce(r.status, 'released') = 'released' then r.valid_from::timestamptz else artery_plm._as_time(r.valid_from) end,
                case when coalesce(r.status, 'released') = 'released' then r.valid_to::timestamptz else artery_plm._as_time(r.valid_to, p_inclusive) end
            )
        from artery_plm.bom_import_row as r
        inner join artery_erp.item as i on i.code = r.item
        where r.message = p_message and r.kind = 'bom' and r.action = 'created'
        order by r.item, r.revision
        returning id, item_code, revision
    )

    update artery_plm.bom_import_row as r
    set bom_id = s.id
    from stored as s
    where r.message = p_message and r.kind = 'bom' and r.item = s.item_code and r.revision = s.revision;
    return '[]'::jsonb;
end
$function$;
comment on function artery_plm._add_revisions(bigint, boolean) is
'Stores the headers of new revisions, ends those that they follow; reasons where two would overlap';

create or replace function artery_plm._store_boms(p_message bigint, p_inclusive boolean)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_reasons jsonb := artery_plm._add_revisions(p_message, p_inclusive);
begin
    if v_reasons <> '[]' then
        return v_reasons;
    end if;
    update artery_erp.bom as b
    set
        base_quantity = coalesce(h.quantity::numeric, 1),
        unit = coalesce(h.unit, b.unit),
        status = coalesce(h.status, b.status),
        effectivity = tstzrange(
            coalesce(artery_plm._as_time(h.valid_from), lower(b.effectivity)),
            coalesce(artery_plm._as_time(h.valid_to, p_inclusive), upper(b.effectivity))
        )
    from artery_plm.bom_import_row as h
    where h.message = p_message and h.kind = 'bom' and h.action = 'updated' and h.more ? 'header' and b.id = h.bom_id;

    delete from artery_erp.bom_line as l
    using artery_plm.bom_import_row as h
    where
        h.message = p_message and h.kind = 'bom' and h.action = 'updated'
        and l.bom_id = h.bom_id and l.line_no = any(h.changed);

    insert into artery_erp.bom_operation as e (bom_id, operation_no, name, work_center, setup_minutes, run_minutes)
    select
        h.bom_id,
        o.operation_no::integer,
        o.name,
        o.more ->> 'work_center',
        coalesce((o.more ->> 'setup_minutes')::numeric, 0),
        coalesce((o.more ->> 'run_minutes')::numeric, 0)
    from artery_plm.bom_import_row as o
    inner join artery_plm.bom_import_row as h on h.message = p_message and h.kind = 'bom' and h.seq = o.bom
    where o.message = p_message and o.kind = 'operation' and h.action <> 'unchanged'
    on conflict (bom_id, operation_no) do update
    set
        name = excluded.name, work_center = excluded.work_center, setup_minutes = excluded.setup_minutes,
        run_minutes = excluded.run_minutes;
    -- operations that only lines speak of
    insert into artery_erp.bom_operation (bom_id, operation_no, name)
    select
        h.bom_id,
        l.operation_no::integer,
        min(l.operation_name)
    from artery_plm.bom_import_row as l
    inner join artery_plm.bom_import_row as h on h.message = p_message and h.kind = 'bom' and h.seq = l.bom
    where l.message = p_message and l.kind = 'line' and l.operation_no is not null and h.action <> 'unchanged'
    group by h.bom_id, l.operation_no::integer
    on conflict (bom_id, operation_no) do nothing;

    insert into artery_erp.bom_line (
        bom_id, line_no, component_code, component_revision, quantity, unit, scrap_rate, issue_method, operation_no,
        phantom, warehouse_code, effectivity
    )
    select
        h.bom_id, l.line_no, l.component, l.component_revision, l.quantity, l.unit, l.scrap_rate, l.issue_method,
        l.operation_no, l.phantom, l.warehouse, l.effectivity
    from artery_plm._bom_lines(p_message, p_inclusive) as l
    inner join artery_plm.bom_import_row as h on h.message = p_message and h.kind = 'bom' and h.seq = l.bom
    where h.action = 'created' or h.action = 'updated' and l.line_no = any(h.changed);

    if exists (
        select from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'line' and (r.designators is not null or r.substitutes is not null)
    ) then
        insert into artery_erp.bom_line_designator (bom_id, line_no, designator)
        select h.bom_id, l.line_no, d.designator
        from artery_plm._bom_lines(p_message, p_inclusive) as l
        inner join artery_plm.bom_import_row as h on h.message = p_message and h.kind = 'bom' and h.seq = l.bom
        cross join lateral unnest(l.designators) as d (designator)
        where h.action = 'created' or h.action = 'updated' and l.line_no = any(h.changed);
        insert into artery_erp.bom_line_substitute (bom_id, line_no, priority, component_code, ratio)
        select h.bom_id, l.line_no, s.priority, s.component, s.ratio
        from artery_plm._bom_lines(p_message, p_inclusive) as l
        inner join artery_plm.bom_import_row as h on h.message = p_message and h.kind = 'bom' and h.seq = l.bom
        cross join lateral artery_plm._line_substitutes(l.substitutes) as s
        where h.action = 'created' or h.action = 'updated' and l.line_no = any(h.changed);
    end if;
    return '[]'::jsonb;
end
$function$;
comment on function artery_plm._store_boms(bigint, boolean) is
'Stores the new and the changed BOMs of a message; reasons where their dates do not fit';
