/* The new revision is the base with the ECO's lines applied; the base ends where it begins. Rows
   are copied whole, whatever columns their tables have by now. */
create or replace function artery_plm._make_revisions(p_eco_no text, p_at timestamptz)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_bom record;
    v_new_id bigint;
    v_cycles text;
begin
    -- a loop: few BOMs an ECO, six statements each
    for v_bom in
        select
            c.item_code,
            c.base_bom_id,
            c.new_revision,
            b.effectivity
        from artery_erp.engineering_change_bom as c
        inner join artery_erp.bom as b on b.id = c.base_bom_id
        where c.eco_no = p_eco_no
        order by c.item_code
    loop
        update artery_erp.bom as b
        set effectivity = tstzrange(lower(b.effectivity), p_at)
        where b.id = v_bom.base_bom_id;

        insert into artery_erp.bom (item_code, revision, status, base_quantity, unit, effectivity)
        select
            b.item_code,
            v_bom.new_revision,
            'released',
            b.base_quantity,
            b.unit,
            tstzrange(p_at, upper(v_bom.effectivity))
        from artery_erp.bom as b
        where b.id = v_bom.base_bom_id
        returning id into v_new_id;

        insert into artery_erp.bom_operation
        select (jsonb_populate_record(o, jsonb_build_object('bom_id', v_new_id))).*
        from artery_erp.bom_operation as o
        where o.bom_id = v_bom.base_bom_id;

        insert into artery_erp.bom_line
        select (jsonb_populate_record(l, jsonb_build_object('bom_id', v_new_id) || coalesce(c.change, '{}'))).*
        from artery_erp.bom_line as l
        left join artery_erp.engineering_change_line as c
            on c.eco_no = p_eco_no and c.item_code = v_bom.item_code and c.line_no = l.line_no
        where l.bom_id = v_bom.base_bom_id and c.action is distinct from 'remove';
        -- what a line does not say has the table's defaults
        insert into artery_erp.bom_line
        select (jsonb_populate_record(
            null::artery_erp.bom_line, artery_plm._line_defaults()
            || jsonb_build_object('bom_id', v_new_id, 'line_no', c.line_no) || jsonb_strip_nulls(c.change)
        )).*
        from artery_erp.engineering_change_line as c
        where c.eco_no = p_eco_no and c.item_code = v_bom.item_code and c.action = 'add';

        insert into artery_erp.bom_line_designator (bom_id, line_no, designator)
        select
            v_new_id,
            d.line_no,
            d.designator
        from artery_erp.bom_line_designator as d
        left join artery_erp.engineering_change_line as c
            on c.eco_no = p_eco_no and c.item_code = v_bom.item_code and c.line_no = d.line_no
        where
            d.bom_id = v_bom.base_bom_id
            and c.action is distinct from 'remove'
            and not coalesce(c.change ? 'designators', false)
        union
        select
            v_new_id,
            c.line_no,
            d.designator
        from artery_erp.engineering_change_line as c
        cross join lateral jsonb_array_elements_text(c.change -> 'designators') as d (designator)
        where c.eco_no = p_eco_no and c.item_code = v_bom.item_code;

        insert into artery_erp.bom_line_substitute (bom_id, line_no, priority, component_code, ratio)
        select
            v_new_id,
            s.line_no,
            s.priority,
            s.component_code,
            s.ratio
        from artery_erp.bom_line_substitute as s
        left join artery_erp.engineering_change_line as c
            on c.eco_no = p_eco_no and c.item_code = v_bom.item_code and c.line_no = s.line_no
        where
            s.bom_id = v_bom.base_bom_id
            and c.action is distinct from 'remove'
            and not coalesce(c.change ? 'substitutes', false)
        union all
        select
            v_new_id,
            c.line_no,
            coalesce((s.body ->> 'priority')::integer, s.no::integer),
            s.body ->> 'component',
            coalesce((s.body ->> 'ratio')::numeric, 1)
        from artery_erp.engineering_change_line as c
        cross join lateral jsonb_array_elements(c.change -> 'substitutes') with ordinality as s (body, no)
        where c.eco_no = p_eco_no and c.item_code = v_bom.item_code;

        update artery_erp.engineering_change_bom as c
        set new_bom_id = v_new_id
        where c.eco_no = p_eco_no and c.item_code = v_bom.item_code;
    end loop;

    -- what was changed elsewhere since the ECO was written
    select string_agg(distinct y.path, '; ')
    into v_cycles
    from artery_erp.engineering_change_line as c
    inner join artery_erp.engineering_change_bom as b on b.eco_no = c.eco_no and b.item_code = c.item_code
    inner join artery_erp.bom_line as l on l.bom_id = b.new_bom_id and l.line_no = c.line_no
    cross join lateral artery_plm._cycle_path(c.item_code, l.component_code, p_at) as y (path)
    where c.eco_no = p_eco_no and y.path is not null;
    if v_cycles is not null then
        raise exception using
            errcode = 'IN105',
            message = format('ECO %s cannot be scheduled: an item would contain itself', p_eco_no),
            detail = v_cycles || '.',
            hint = 'Write the change with another component.';
    end if;
end
$function$;
comment on function artery_plm._make_revisions(text, timestamptz) is
'Makes the new revisions of an ECO, released and effective from p_at';
revoke execute on function artery_plm._make_revisions(text, timestamptz) from public;

create or replace function artery_plm._line_defaults()
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
-- of the columns that may not be null; a constant default's text is a literal with its type
select jsonb_object_agg(
    a.attname, trim(both '''' from split_part(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '::', 1))
)
from pg_catalog.pg_attribute as a
inner join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = 'artery_erp.bom_line'::regclass and not a.attisdropped
$function$;
comment on function artery_plm._line_defaults() is 'The defaults of the columns of artery_erp.bom_line';
revoke execute on function artery_plm._line_defaults() from public;
