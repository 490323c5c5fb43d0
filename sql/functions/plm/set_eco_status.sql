create or replace function artery_plm.set_eco_status(
    p_eco_no text, p_status text, p_reason text default null
)
returns text
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_eco record;
    v_at timestamptz;
    v_problem record;
begin
    perform artery_plm.lock_structure();
    select e.* into v_eco
    from artery_erp.engineering_change_order as e
    where e.eco_no = p_eco_no
    for update;
    if not found then
        raise exception using
            errcode = 'IN256',
            message = format('there is no ECO %s', coalesce(p_eco_no, '(null)')),
            detail = 'No row of artery_erp.engineering_change_order has this number.',
            hint = 'Numbers are compared exactly, case included.';
    end if;
    perform artery_erp.check_transition('engineering_change_order', p_eco_no, v_eco.status, p_status);
    if p_status = v_eco.status then
        return v_eco.status;
    end if;
    if p_status in ('rejected', 'cancelled') and coalesce(p_reason, '') !~ '\S' then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = format('ECO %s: %s needs a reason', p_eco_no, p_status),
            detail = 'p_reason is empty.',
            hint = format('select artery_plm.set_eco_status(%L, %L, ''why'');', p_eco_no, p_status);
    end if;

    v_at := case v_eco.effectivity
        when 'mo' then (
            select mo.planned_start
            from artery_erp.manufacturing_order as mo
            where mo.mo_no = v_eco.effective_mo_no
            for update
        )
        when 'date' then v_eco.effective_at
        else now()
    end;
    if p_status in ('submitted', 'approved', 'scheduled') then
        for v_problem in
            select
                p.code,
                string_agg(p.message, '; ' order by c.item_code) as details,
                min(p.hint) as hint
            from artery_erp.engineering_change_bom as c
            cross join lateral artery_plm._base_problems(
                c.item_code, c.base_bom_id, c.base_content, v_at
            ) as p
            where c.eco_no = p_eco_no
            group by p.code
            order by p.code
        loop
            raise exception using
                errcode = v_problem.code,
                message = format('ECO %s cannot be %s', p_eco_no, p_status),
                detail = v_problem.details || '.',
                hint = v_problem.hint;
        end loop;
    end if;

    case p_status
        when 'scheduled' then
            perform artery_plm._make_revisions(p_eco_no, v_at);
        when 'cancelled' then
            if v_eco.status = 'scheduled' then
                perform artery_plm._withdraw_revisions(p_eco_no);
            end if;
        when 'implemented' then
            if v_eco.effective_at > now() then
                raise exception using
                    errcode = 'IN252',
                    message = format('ECO %s takes effect at %s', p_eco_no, v_eco.effective_at),
                    detail = 'Until then its base revisions are built.',
                    hint = 'artery.tick() marks it implemented then; or cancel it and write it for an earlier day.';
            end if;
        when 'closed' then
            perform artery_plm._check_dispositions(p_eco_no);
        else null;
    end case;

    update artery_erp.engineering_change_order as e
    set
        status = p_status,
        status_reason = p_reason,
        effective_at = case when p_status = 'scheduled' then v_at else e.effective_at end,
        submitted_at = case when p_status = 'submitted' then clock_timestamp() else e.submitted_at end,
        approved_at = case when p_status = 'approved' then clock_timestamp() else e.approved_at end,
        approved_by = case when p_status = 'approved' then session_user else e.approved_by end,
        scheduled_at = case when p_status = 'scheduled' then clock_timestamp() else e.scheduled_at end,
        implemented_at = case when p_status = 'implemented' then clock_timestamp() else e.implemented_at end,
        ended_at = case
            when p_status in ('closed', 'rejected', 'cancelled') then clock_timestamp()
        end
    where e.eco_no = p_eco_no;
    if p_status in ('submitted', 'approved') then
        perform artery_plm._record_impact(p_eco_no);
    end if;
    if p_status = 'scheduled' and v_at <= now() then
        return artery_plm.set_eco_status(p_eco_no, 'implemented');
    end if;
    return p_status;
end
$function$;
comment on function artery_plm.set_eco_status(text, text, text) is
'Moves an ECO on: submitted, approved (its impact is recorded fresh), scheduled (its revisions are made), implemented, '
'closed; or rejected, cancelled with a reason. Returns the status it then has: implemented at once where it already takes '
'effect. Errors: IN103 not from here, IN251 stale base, IN252 not then, IN256 no such ECO, IN257 dispositions open, '
'IN258 orders are built by it';
grant execute on function artery_plm.set_eco_status(text, text, text)
    to artery_app, artery_operator;
