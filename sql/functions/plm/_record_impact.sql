create or replace function artery_plm._record_impact(p_eco_no text)
returns void
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
begin
    insert into artery_plm.eco_disposition as d (
        eco_no, item_code, line_no, object_kind, object_id, quantity, value, proposed, as_of
    )
    select
        r.eco_no,
        r.item_code,
        r.line_no,
        r.object_kind,
        r.object_id,
        r.quantity,
        r.value,
        r.proposed,
        now()
    from artery_plm.impact_rows(p_eco_no) as r
    on conflict (eco_no, item_code, line_no, object_kind, object_id) do update
    set
        quantity = excluded.quantity,
        value = excluded.value,
        proposed = excluded.proposed,
        as_of = excluded.as_of
    where d.executed_at is null;
    -- what is hit no longer, and nobody has decided on
    delete from artery_plm.eco_disposition as d
    where d.eco_no = p_eco_no and d.as_of < now() and d.chosen is null;
    -- the view for all follows with the next sweep
    update artery.sweep_step as s
    set next_run_at = least(s.next_run_at, clock_timestamp())
    where s.name = 'refresh_wip_impact';
end
$function$;
comment on function artery_plm._record_impact(text) is
'Writes down what an ECO hits now, with what is proposed to be done, and has wip_impact refreshed';
revoke execute on function artery_plm._record_impact(text) from public;

create or replace function artery_plm._check_dispositions(p_eco_no text)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_open record;
begin
    select
        count(*) as number,
        string_agg(
            format('%s line %s: %s %s', d.item_code, d.line_no, d.object_kind, d.object_id), '; '
            order by d.item_code, d.line_no, d.object_kind, d.object_id
        ) filter (where d.rank <= 20) as details
    into v_open
    from (
        select
            x.*,
            row_number() over (order by x.item_code, x.line_no, x.object_kind, x.object_id) as rank
        from artery_plm.eco_disposition as x
        where x.eco_no = p_eco_no and x.executed_at is null
    ) as d;
    if v_open.number > 0 then
        raise exception using
            errcode = 'IN257',
            message = format('ECO %s: %s dispositions are not carried out', p_eco_no, v_open.number),
            detail = v_open.details || case when v_open.number > 20 then '; ...' else '.' end,
            hint = 'artery_plm.choose_disposition, then artery_plm.carry_out_dispositions.';
    end if;
end
$function$;
comment on function artery_plm._check_dispositions(text) is
'Raises IN257 while a disposition of an ECO is not carried out';
revoke execute on function artery_plm._check_dispositions(text) from public;
