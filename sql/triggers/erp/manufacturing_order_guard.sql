/* What must hold of every write, whoever writes: the life cycle, the bounds, what is frozen, and
   the version. Definer: whoever changes an order need not be able to read BOMs. */
create or replace function artery_erp.manufacturing_order_guard()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_now timestamptz := clock_timestamp();
    v_planned boolean;
begin
    if tg_op = 'INSERT' then
        if new.status <> 'planned' then
            perform artery_erp.check_transition(
                'manufacturing_order', new.mo_no, 'new', new.status
            );
        end if;
        new.version := 0;
        new.bom_id := null;
        v_planned := true;
    else
        perform artery_erp.check_transition(
            'manufacturing_order', new.mo_no, old.status, new.status
        );
        v_planned := old.status = 'planned';
        if new.mo_no <> old.mo_no or not v_planned and (
            (new.item_code, new.bom_revision, new.bom_id, new.unit)
            is distinct from (old.item_code, old.bom_revision, old.bom_id, old.unit)
        ) then
            raise exception using
                errcode = 'IN103',
                message = format('manufacturing order %s: what is made is frozen', old.mo_no),
                detail = format(
                    'Status %s. The number never changes; item, BOM and unit only while planned.',
                    old.status
                ),
                hint = 'Cancel the order and write a new one.';
        end if;
        if old.status in ('completed', 'closed', 'cancelled') and (
            (new.quantity, new.planned_start, new.planned_end, new.priority)
            is distinct from (old.quantity, old.planned_start, old.planned_end, old.priority)
        ) then
            raise exception using
                errcode = 'IN103',
                message = format('manufacturing order %s is %s: its plan stands', old.mo_no, old.status),
                detail = 'Quantity, dates and priority change only while an order is open.',
                hint = 'Write a new order for what is still to be made.';
        end if;
    end if;

    if new.quantity <> trunc(new.quantity) and exists (
        select from artery_erp.unit as u where u.code = new.unit and u.whole_number
    ) then
        raise exception using
            errcode = 'check_violation',
            message = format('manufacturing order %s: %s comes in whole numbers', new.mo_no, new.unit),
            detail = format('Quantity %s %s.', new.quantity, new.unit),
            hint = 'Give a whole quantity, or order in another unit.',
            table = 'manufacturing_order',
            schema = 'artery_erp';
    end if;
    if tg_op = 'INSERT' then
        return new;
    end if;

    if v_planned and new.status = 'released' then
        perform artery_erp.check_release(
            new.mo_no, new.item_code, new.unit, new.planned_start, new.bom_revision
        );
        select
            b.id,
            b.revision
        into strict new.bom_id, new.bom_revision
        from artery_erp.effective_bom(new.item_code, new.planned_start, new.bom_revision) as b;
    end if;

    if new.status <> old.status then
        case new.status
            when 'released' then new.released_at := coalesce(old.released_at, v_now);
            when 'in_progress' then new.started_at := coalesce(old.started_at, v_now);
            when 'completed' then new.completed_at := v_now;
            when 'cancelled' then new.cancelled_at := v_now;
            else null;
        end case;
    end if;

    -- completed and closed are what the shop floor told us, not news to it
    new.version := old.version + case
        when v_planned and new.status = 'released' then 1
        when old.version > 0 and (
            new.status <> old.status and 'held' in (old.status, new.status)
            or new.status <> old.status and new.status = 'cancelled'
            or (
                new.quantity, new.planned_start, new.planned_end, new.priority,
                new.receive_warehouse, new.line_warehouse, new.lines_changed_at
            ) is distinct from (
                old.quantity, old.planned_start, old.planned_end, old.priority,
                old.receive_warehouse, old.line_warehouse, old.lines_changed_at
            )
        ) then 1
        else 0
    end;
    return new;
end
$function$;

create or replace trigger manufacturing_order_guard
before insert or update of
    mo_no, item_code, bom_revision, bom_id, quantity, unit, planned_start, planned_end, priority,
    receive_warehouse, line_warehouse, status, version, lines_changed_at
on artery_erp.manufacturing_order
for each row
execute function artery_erp.manufacturing_order_guard();

comment on function artery_erp.manufacturing_order_guard() is
'Holds an order to its life cycle (IN103), checks it at release (IN101, IN102, IN104, IN105), counts its version';
