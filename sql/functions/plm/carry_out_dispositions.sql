/* Orders are changed or cancelled here. What else was chosen is done by people: carrying it out
   records that it is done. Orders are locked in the order of their numbers. */
create or replace function artery_plm.carry_out_dispositions(
    p_eco_no text, p_filter jsonb default '{}'
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status text;
    v_order record;
    v_count bigint := 0::bigint;
begin
    select e.status into v_status
    from artery_erp.engineering_change_order as e
    where e.eco_no = p_eco_no
    for update;
    if coalesce(v_status not in ('scheduled', 'implemented'), true) then
        raise exception using
            errcode = 'IN103',
            message = format('ECO %s is %s: nothing is carried out', p_eco_no, coalesce(v_status, 'not there')),
            detail = 'The new revisions are there once it is scheduled.',
            hint = format('select artery_plm.set_eco_status(%L, ''scheduled'');', p_eco_no);
    end if;

    for v_order in
        select
            d.object_id as mo_no,
            bool_or(d.chosen = 'scrap') as cancel,
            bool_or(d.chosen = 'rework') as rework
        from artery_plm.eco_disposition as d
        inner join artery_erp.manufacturing_order as mo on mo.mo_no = d.object_id
        where
            d.eco_no = p_eco_no
            and d.executed_at is null
            and d.chosen in ('scrap', 'rework')
            and d.object_kind in ('mo_not_started', 'mo_started')
            and d.object_kind = coalesce(p_filter ->> 'object_kind', d.object_kind)
            and d.object_id = coalesce(p_filter ->> 'object_id', d.object_id)
        group by d.object_id
        order by d.object_id
    loop
        if v_order.cancel then
            perform artery_plm._cancel_order(v_order.mo_no);
        else
            perform artery_plm._rework_order(p_eco_no, v_order.mo_no);
        end if;
    end loop;

    update artery_plm.eco_disposition as d
    set
        executed_at = clock_timestamp(),
        executed_by = session_user
    where
        d.eco_no = p_eco_no
        and d.executed_at is null
        and d.chosen is not null
        and d.object_kind = coalesce(p_filter ->> 'object_kind', d.object_kind)
        and d.object_id = coalesce(p_filter ->> 'object_id', d.object_id);
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;
comment on function artery_plm.carry_out_dispositions(text, jsonb) is
'Carries out what was chosen for what an ECO hits (p_filter: {"object_kind", "object_id"}, each optional): orders take the '
'new lines (rework) or are cancelled (scrap); the rest is recorded as done. Returns how many. Errors: IN103 not in its status';
grant execute on function artery_plm.carry_out_dispositions(text, jsonb)
    to artery_app, artery_operator;

create or replace function artery_plm._cancel_order(p_mo_no text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    -- work that goes on is stopped first: the life cycle has no other way
    update artery_erp.manufacturing_order as mo
    set status = 'held'
    where mo.mo_no = p_mo_no and mo.status = 'in_progress';
    update artery_erp.manufacturing_order as mo
    set status = 'cancelled'
    where mo.mo_no = p_mo_no and mo.status in ('planned', 'released', 'held');
end
$function$;
comment on function artery_plm._cancel_order(text) is 'Stops an order and cancels it';
revoke execute on function artery_plm._cancel_order(text) from public;
