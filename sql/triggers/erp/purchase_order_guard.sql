/* What must hold of every write, whoever writes: the life cycle, what is frozen, and whether the
   supplier has to hear of it. The version is counted when it is told, once a transaction. */
create or replace function artery_erp.purchase_order_guard()
returns trigger
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_now timestamptz := clock_timestamp();
    v_problems text;
begin
    if tg_op = 'INSERT' then
        perform artery_erp.check_transition('purchase_order', new.po_no, 'new', new.status);
        new.version := 0;
        new.untold := new.status = 'approved';
        new.approved_at := case when new.status = 'approved' then v_now end;
        return new;
    end if;

    perform artery_erp.check_transition('purchase_order', new.po_no, old.status, new.status);
    if
        (new.supplier_code, new.po_no) <> (old.supplier_code, old.po_no)
        or old.status in ('closed', 'cancelled') and (
            (new.currency, new.warehouse_code, new.note)
            is distinct from (old.currency, old.warehouse_code, old.note)
        )
    then
        raise exception using
            errcode = 'IN103',
            message = format('purchase order %s is %s: it stands as it is', old.po_no, old.status),
            detail = 'Supplier and number never change; the rest only while it is a draft or approved.',
            hint = 'Write a new order for what is still to be bought.';
    end if;

    if old.status = 'draft' and new.status = 'approved' then
        select concat_ws(
            ' ',
            case when not exists (
                select
                from artery_erp.purchase_order_line as l
                where l.supplier_code = new.supplier_code and l.po_no = new.po_no
            ) then 'It has no lines.' end,
            (
                select format('Supplier %s is not active.', s.code)
                from artery_erp.supplier as s
                where s.code = new.supplier_code and not s.active
            )
        )
        into v_problems;
        if v_problems <> '' then
            raise exception using
                errcode = 'IN602',
                message = format('purchase order %s cannot be approved', new.po_no),
                detail = v_problems,
                hint = 'Mend it, then approve it again.';
        end if;
    end if;

    if new.status <> old.status then
        case new.status
            when 'approved' then new.approved_at := coalesce(old.approved_at, v_now);
            when 'closed' then new.closed_at := v_now;
            when 'cancelled' then new.cancelled_at := v_now;
            else null;
        end case;
    end if;
    if
        old.status = 'draft' and new.status = 'approved'
        or old.status = 'approved' and new.status = 'cancelled'
        or old.status = 'approved' and (
            (new.currency, new.warehouse_code, new.note)
            is distinct from (old.currency, old.warehouse_code, old.note)
        )
    then
        new.untold := true;
    end if;
    return new;
end
$function$;

create or replace trigger purchase_order_guard
before insert or update on artery_erp.purchase_order
for each row
execute function artery_erp.purchase_order_guard();

comment on function artery_erp.purchase_order_guard() is
'Holds a purchase order to its life cycle (IN103), checks it at approval (IN602), marks what its supplier has to hear of';
