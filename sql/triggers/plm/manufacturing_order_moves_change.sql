/* A change that takes effect from an order moves with its planned start, as long as the order is
   planned and the change is scheduled. Of the two revisions that meet there, the one that gives way
   goes first: they may not overlap even for a statement. */
create or replace function artery_plm.manufacturing_order_moves_change()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_bom record;
begin
    -- a loop: as few BOMs as the ECOs of one order change
    for v_bom in
        select
            c.eco_no,
            c.item_code,
            c.base_bom_id,
            c.new_bom_id,
            b.effectivity as base,
            n.effectivity as new
        from artery_erp.engineering_change_order as e
        inner join artery_erp.engineering_change_bom as c on c.eco_no = e.eco_no
        inner join artery_erp.bom as b on b.id = c.base_bom_id
        inner join artery_erp.bom as n on n.id = c.new_bom_id
        where e.effective_mo_no = new.mo_no and e.status = 'scheduled'
        order by c.eco_no, c.item_code
    loop
        if new.planned_start <= lower(v_bom.base) or new.planned_start >= upper(v_bom.new) then
            raise exception using
                errcode = 'IN252',
                message = format(
                    'manufacturing order %s cannot start at %s: ECO %s takes effect with it',
                    new.mo_no, new.planned_start, v_bom.eco_no
                ),
                detail = format(
                    'Item %s: the base revision is effective %s, the new one %s.',
                    v_bom.item_code, v_bom.base, v_bom.new
                ),
                hint = 'Start it between the two, or cancel the ECO.';
        end if;
        update artery_erp.bom as b
        set effectivity = case b.id
            when v_bom.base_bom_id then tstzrange(lower(b.effectivity), new.planned_start)
            else tstzrange(new.planned_start, upper(b.effectivity))
        end
        where b.id = case
            when new.planned_start < old.planned_start then v_bom.base_bom_id
            else v_bom.new_bom_id
        end;
        update artery_erp.bom as b
        set effectivity = case b.id
            when v_bom.base_bom_id then tstzrange(lower(b.effectivity), new.planned_start)
            else tstzrange(new.planned_start, upper(b.effectivity))
        end
        where b.id = case
            when new.planned_start < old.planned_start then v_bom.new_bom_id
            else v_bom.base_bom_id
        end;
    end loop;
    update artery_erp.engineering_change_order as e
    set effective_at = new.planned_start
    where e.effective_mo_no = new.mo_no and e.status = 'scheduled';
    return null;
end
$function$;

create or replace trigger manufacturing_order_moves_change
after update of planned_start on artery_erp.manufacturing_order
for each row
when (old.status = 'planned' and new.planned_start <> old.planned_start)
execute function artery_plm.manufacturing_order_moves_change();

comment on function artery_plm.manufacturing_order_moves_change() is
'Moves the changes that take effect from an order with its planned start; IN252 where they cannot';
