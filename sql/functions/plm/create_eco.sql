create or replace function artery_plm.create_eco(p_body jsonb, p_source text default session_user)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_eco_no text := artery_erp.clean_code(p_body ->> 'ecn_no');
    v_effectivity jsonb := coalesce(nullif(p_body -> 'effectivity', 'null'), '{"kind": "now"}');
    v_at timestamptz;
    v_status text;
    v_reasons jsonb;
begin
    -- whoever writes BOMs waits here: two changes that are sound alone need not be together
    perform artery_plm.lock_structure();

    select jsonb_agg(to_jsonb(r)) into v_reasons from artery_plm._ecn_head_reasons(p_body) as r;
    if v_reasons is null then
        v_at := case v_effectivity ->> 'kind'
            when 'date' then artery_plm._moment(v_effectivity ->> 'at')
            when 'now' then now()
            else (
                select mo.planned_start
                from artery_erp.manufacturing_order as mo
                where mo.mo_no = v_effectivity ->> 'mo_no'
            )
        end;
        select e.status into v_status
        from artery_erp.engineering_change_order as e
        where e.eco_no = v_eco_no
        for update;
        select jsonb_agg(to_jsonb(r)) into v_reasons
        from (
            select
                'IN255' as code,
                '/ecn_no' as path,
                format('ECO %s is %s', v_eco_no, v_status) as message,
                'Only a draft can be sent again; a further change needs a number of its own.' as hint
            where v_status <> 'draft'
            union all
            select
                r.code,
                r.path,
                r.message,
                r.hint
            from artery_plm._ecn_reasons(p_body, v_at) as r
        ) as r;
    end if;
    if v_reasons is not null then
        return jsonb_build_object('reasons', v_reasons);
    end if;

    perform artery_plm._store_eco(p_body, p_source, v_eco_no, v_effectivity, v_at);
    v_status := 'draft';
    if p_body ->> 'status' = 'approved' then
        v_status := artery_plm.set_eco_status(v_eco_no, 'submitted');
    end if;
    return jsonb_build_object(
        'eco_no', v_eco_no,
        'status', v_status,
        'boms', (
            select jsonb_agg(jsonb_build_object(
                'item', c.item_code, 'base_revision', b.revision, 'new_revision', c.new_revision
            ) order by c.item_code)
            from artery_erp.engineering_change_bom as c
            inner join artery_erp.bom as b on b.id = c.base_bom_id
            where c.eco_no = v_eco_no
        )
    );
end
$function$;
comment on function artery_plm.create_eco(jsonb, text) is
'Makes an ECO of an ECN: {"eco_no", "status", "boms"}, or {"reasons": [{"code", "path", "message", "hint"}]}, all of '
'them, and nothing is made. An approved ECN is submitted at once; a draft may be sent again';
grant execute on function artery_plm.create_eco(jsonb, text) to artery_app, artery_operator;
