/* A line with a level belongs to the last one above it that stands one level higher; what stands
   highest is no line but a BOM. An assembly that occurs several times brings its lines each time:
   those of the first occurrence count, the others have to say the same. */
create or replace function artery_plm._nest_levels(p_message bigint)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_reasons jsonb;
begin
    select jsonb_agg(artery._reason(
        'IN210', format('level %s does not follow from the line above it, of level %s', left(x.level, 20), coalesce(left(x.before, 20), 'none')),
        'Levels go down one at a time, from the assembly at the top.', x.path || '/level'
    ) order by x.seq)
    into v_reasons
    from (
        select
            r.seq,
            r.path,
            r.level,
            lag(r.level) over (order by r.seq) as before,
            min(case when r.level ~ '^[0-9]{1,4}$' then r.level::integer end) over () as top
        from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'line' and r.level is not null
    ) as x
    where
        x.level !~ '^[0-9]{1,4}$'
        or case
            when x.before is null then x.level::integer <> x.top
            when x.before ~ '^[0-9]{1,4}$' then x.level::integer > x.before::integer + 1
        end;
    if v_reasons is not null then
        return v_reasons;
    end if;

    -- bom: for the time being the line that it hangs below
    update artery_plm.bom_import_row as r
    set
        bom = f.parent,
        item = p.component,
        revision = p.revision,
        more = to_jsonb(r.revision)
    from (
        select
            e.seq,
            e.above,
            max(e.above) over (partition by e.at_level order by e.seq) as parent
        from artery_plm.bom_import_row as l
        cross join lateral (
            values (l.seq, l.level::integer, l.seq), (l.seq, l.level::integer - 1, null)
        ) as e (seq, at_level, above)
        where l.message = p_message and l.kind = 'line' and l.level is not null
    ) as f
    inner join artery_plm.bom_import_row as p on p.message = p_message and p.kind = 'line' and p.seq = f.parent
    where r.message = p_message and r.kind = 'line' and r.seq = f.seq and f.above is null;

    with occurrence as (
        select
            l.item,
            l.revision,
            l.bom,
            min(l.bom) over (partition by l.item, coalesce(l.revision, '')) as first,
            min(l.path) as path,
            array_agg(row(
                l.line_no, l.component, l.component_revision, l.quantity, l.unit, l.scrap_rate, l.issue_method,
                l.operation_no, l.phantom, l.warehouse, l.valid_from, l.valid_to, l.designators, l.substitutes
            )::text order by l.seq) as said
        from artery_plm.bom_import_row as l
        where l.message = p_message and l.kind = 'line' and l.bom is not null and l.level is not null
        group by l.item, l.revision, l.bom
    ),

    dropped as (
        delete from artery_plm.bom_import_row as r
        using occurrence as o
        where
            r.message = p_message and r.kind = 'line' and r.level is not null
            and r.bom = o.bom and o.bom <> o.first
    )

    select jsonb_agg(artery._reason(
        'IN210', format('%s occurs more than once, with different lines', o.item),
        'Send an assembly with the same lines each time, or with them the first time only.', o.path
    ) order by o.bom)
    into v_reasons
    from occurrence as o
    inner join occurrence as f on f.bom = o.first
    where f.said <> o.said;

    update artery_plm.bom_import_row as r
    set
        kind = 'bom',
        seq = r.seq + 100000000,
        item = r.component,
        component = null
    where r.message = p_message and r.kind = 'line' and r.level is not null and r.bom is null;
    update artery_plm.bom_import_row as r
    set bom = null
    where r.message = p_message and r.kind = 'line' and r.level is not null;
    return v_reasons;
end
$function$;
comment on function artery_plm._nest_levels(bigint) is 'Finds the parents of indented lines; reasons where they make no tree';

create or replace function artery_plm._group_bom_rows(p_message bigint)
returns jsonb
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_reasons jsonb;
begin
    if exists (
        select from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'line' and r.level is not null
    ) then
        v_reasons := artery_plm._nest_levels(p_message);
    end if;
    if not exists (
        select from artery_plm.bom_import_row as r
        where r.message = p_message and r.kind = 'line' and r.bom is null
    ) then
        return coalesce(v_reasons, '[]');
    end if;

    -- what only its lines speak of has a header all the same
    insert into artery_plm.bom_import_row (message, kind, seq, path, item, revision)
    select
        p_message,
        'bom',
        200000000 + min(l.seq),
        min(l.path),
        l.item,
        l.revision
    from artery_plm.bom_import_row as l
    where
        l.message = p_message and l.kind = 'line' and l.bom is null
        and not exists (
            select from artery_plm.bom_import_row as b
            where
                b.message = p_message and b.kind = 'bom' and b.item = l.item
                and b.revision is not distinct from l.revision
        )
    group by l.item, l.revision;

    update artery_plm.bom_import_row as l
    set bom = b.seq
    from artery_plm.bom_import_row as b
    where
        l.message = p_message and l.kind = 'line' and l.bom is null
        and b.message = p_message and b.kind = 'bom' and b.item = l.item
        and coalesce(b.revision, '') = coalesce(l.revision, '');
    return coalesce(v_reasons, '[]');
end
$function$;
comment on function artery_plm._group_bom_rows(bigint) is
'Gives each line of a message the BOM it belongs to; reasons where that cannot be told';
