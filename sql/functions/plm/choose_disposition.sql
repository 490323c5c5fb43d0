create or replace function artery_plm.choose_disposition(
    p_eco_no text,
    p_chosen text,
    p_owner text,
    p_filter jsonb default '{}',
    p_note text default null
)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_status text;
    v_count bigint;
    v_unknown text;
begin
    select string_agg(k.key, ', ') into v_unknown
    from jsonb_object_keys(p_filter) as k (key)
    where k.key not in ('item', 'line_no', 'object_kind', 'object_id', 'proposed');
    if v_unknown is not null or coalesce(p_chosen not in ('use_as_is', 'rework', 'scrap', 'exhaust', 'proposed'), true) then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = coalesce('no filter is called ' || v_unknown, format('%s is no disposition', coalesce(p_chosen, '(null)'))),
            detail = format('ECO %s, chosen %s, filter %s.', p_eco_no, p_chosen, p_filter),
            hint = 'use_as_is, rework, scrap, exhaust, or proposed; filters: item, line_no, object_kind, object_id, proposed.';
    end if;
    select e.status into v_status
    from artery_erp.engineering_change_order as e
    where e.eco_no = p_eco_no
    for update;
    if v_status is null then
        raise exception using
            errcode = 'IN256',
            message = format('there is no ECO %s', coalesce(p_eco_no, '(null)')),
            detail = 'No row of artery_erp.engineering_change_order has this number.',
            hint = 'Numbers are compared exactly, case included.';
    end if;
    if v_status not in ('submitted', 'approved', 'scheduled', 'implemented') then
        raise exception using
            errcode = 'IN103',
            message = format('ECO %s is %s: nothing is decided on it', p_eco_no, v_status),
            detail = 'Dispositions are chosen from submitted to implemented.',
            hint = 'Submit it first, or write another ECO.';
    end if;

    update artery_plm.eco_disposition as d
    set
        chosen = case p_chosen when 'proposed' then d.proposed else p_chosen end,
        owner = p_owner,
        note = p_note,
        chosen_at = clock_timestamp(),
        chosen_by = session_user
    where
        d.eco_no = p_eco_no
        and d.executed_at is null
        and d.item_code = coalesce(p_filter ->> 'item', d.item_code)
        and d.line_no = coalesce((p_filter ->> 'line_no')::integer, d.line_no)
        and d.object_kind = coalesce(p_filter ->> 'object_kind', d.object_kind)
        and d.object_id = coalesce(p_filter ->> 'object_id', d.object_id)
        and d.proposed = coalesce(p_filter ->> 'proposed', d.proposed);
    get diagnostics v_count = row_count;
    return v_count;
end
$function$;
comment on function artery_plm.choose_disposition(text, text, text, jsonb, text) is
'Records what is to be done with what an ECO hits (p_filter: {"item", "line_no", "object_kind", "object_id", "proposed"}, each '
'optional), and who sees to it; p_chosen proposed = as proposed. Returns how many; what is carried out stays. Errors: '
'IN103 not in its status, IN256 no such ECO, 22023 bad argument';
grant execute on function artery_plm.choose_disposition(text, text, text, jsonb, text)
    to artery_app, artery_operator;
