create or replace function artery_plm._rework_order(p_eco_no text, p_mo_no text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_mo record;
    v_change_id bigint;
begin
    select
        mo.status,
        mo.item_code
    into v_mo
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = p_mo_no
    for update;
    if v_mo.status = 'planned' then
        update artery_erp.manufacturing_order as mo
        set bom_revision = c.new_revision
        from artery_erp.engineering_change_bom as c
        where mo.mo_no = p_mo_no and c.eco_no = p_eco_no and c.item_code = mo.item_code;
        return;
    end if;
    if v_mo.status not in ('released', 'in_progress', 'held') then
        raise exception using
            errcode = 'IN103',
            message = format('manufacturing order %s is %s: its lines stand', p_mo_no, v_mo.status),
            detail = format('ECO %s was to rework it.', p_eco_no),
            hint = 'Choose another disposition for it.';
    end if;

    insert into artery_plm.eco_order_change (eco_no, mo_no, lines_before)
    values (p_eco_no, p_mo_no, artery_plm._order_lines(p_mo_no))
    returning id into v_change_id;
    -- what is added is scaled by lines that are as they were
    perform artery_plm._rework_line(p_eco_no, d.item_code, d.line_no, p_mo_no)
    from (
        select
            x.item_code,
            x.line_no
        from artery_plm.eco_disposition as x
        inner join artery_erp.engineering_change_line as c
            on c.eco_no = x.eco_no and c.item_code = x.item_code and c.line_no = x.line_no
        where
            x.eco_no = p_eco_no
            and x.object_id = p_mo_no
            and x.object_kind in ('mo_not_started', 'mo_started')
            and x.chosen = 'rework'
            and x.executed_at is null
        order by c.action <> 'add', c.position
    ) as d;
    update artery_erp.manufacturing_order_line as l
    set required = artery_erp.round_up(mo.quantity * l.quantity, l.base_quantity, u.whole_number)
    from artery_erp.manufacturing_order as mo, artery_erp.unit as u
    where l.mo_no = p_mo_no and mo.mo_no = p_mo_no and u.code = l.unit;
    update artery_plm.eco_order_change as c
    set lines_after = artery_plm._order_lines(p_mo_no)
    where c.id = v_change_id;
    update artery_erp.manufacturing_order as mo
    set lines_changed_at = clock_timestamp()
    where mo.mo_no = p_mo_no;
end
$function$;
comment on function artery_plm._rework_order(text, text) is
'Brings a running order''s lines to the new revisions of an ECO, and records what they were; a planned one will be built by it';
revoke execute on function artery_plm._rework_order(text, text) from public;

create or replace function artery_plm._order_lines(p_mo_no text)
returns jsonb
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select coalesce(jsonb_agg(to_jsonb(l) order by l.line_no), '[]')
from artery_erp.manufacturing_order_line as l
where l.mo_no = p_mo_no
$function$;
comment on function artery_plm._order_lines(text) is 'The frozen lines of an order as they are now';
revoke execute on function artery_plm._order_lines(text) from public;
