-- What is wrong with the head of an ECN; without fault it has what the rest is read by
create or replace function artery_plm._ecn_head_reasons(p_body jsonb)
returns table (code text, path text, message text, hint text)
language plpgsql
stable
set search_path = ''
as $function$
declare
    v_effectivity jsonb := coalesce(nullif(p_body -> 'effectivity', 'null'), '{"kind": "now"}');
begin
    return query
    select
        c.code,
        c.path,
        c.message,
        c.hint
    from (values
        (
            not coalesce(
                jsonb_typeof(p_body -> 'ecn_no') = 'string'
                and artery_erp.clean_code(p_body ->> 'ecn_no') ~ '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$', false
            ),
            'IN253', '/ecn_no', 'ecn_no is missing, or no number of a document',
            'ASCII letters, digits and . _ / - only, 64 at most.'
        ),
        (
            not coalesce(p_body ->> 'status' in ('approved', 'draft'), false),
            'IN253', '/status',
            format('an ECN comes approved, or as a draft; this one is %s', coalesce(p_body ->> 'status', 'without a status')),
            'Send it again when it is approved.'
        ),
        (
            not coalesce(jsonb_typeof(p_body -> 'title') = 'string' and p_body ->> 'title' ~ '\S', false),
            'IN253', '/title', 'title is missing', 'Say in a line what it is about.'
        ),
        (
            coalesce(jsonb_typeof(p_body -> 'mandatory'), 'null') not in ('boolean', 'null'),
            'IN253', '/mandatory', 'mandatory is neither true nor false', 'true = the old design must not go out.'
        ),
        (
            not coalesce(jsonb_typeof(p_body -> 'boms') = 'array' and p_body -> 'boms' <> '[]', false)
            or exists (
                select
                from jsonb_array_elements(
                    case jsonb_typeof(p_body -> 'boms') when 'array' then p_body -> 'boms' else '[]' end
                ) as b (body)
                where jsonb_typeof(b.body) <> 'object'
            ),
            'IN253', '/boms', 'boms is not a list of BOMs', 'docs/engineering-changes.md has the form of an ECN.'
        ),
        (
            not coalesce(v_effectivity ->> 'kind' in ('now', 'date', 'mo'), false),
            'IN252', '/effectivity/kind', 'the kind of effectivity is not now, date or mo',
            '{"kind": "date", "at": "2026-03-31T00:00:00+02:00"}'
        ),
        (
            v_effectivity ->> 'kind' = 'date' and artery_plm._moment(v_effectivity ->> 'at') is null,
            'IN252', '/effectivity/at', 'the date is missing, or none',
            'ISO 8601 with an offset: 2026-03-31T00:00:00+02:00.'
        ),
        (
            v_effectivity ->> 'kind' = 'mo' and not exists (
                select
                from artery_erp.manufacturing_order as mo
                where mo.mo_no = v_effectivity ->> 'mo_no' and mo.status = 'planned'
            ),
            'IN252', '/effectivity/mo_no',
            format('there is no planned manufacturing order %s', coalesce(v_effectivity ->> 'mo_no', '(null)')),
            'Name the first order to be built by the new revision, not yet released.'
        )
    ) as c (wrong, code, path, message, hint)
    where c.wrong;
end
$function$;
comment on function artery_plm._ecn_head_reasons(jsonb) is 'What is wrong with the head of an ECN';
revoke execute on function artery_plm._ecn_head_reasons(jsonb) from public;

create or replace function artery_plm._moment(p_text text)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $function$
begin
    if p_text !~ '^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)$' then
        return null;
    end if;
    return p_text::timestamptz;
exception when datetime_field_overflow or invalid_datetime_format then
    return null;
end
$function$;
comment on function artery_plm._moment(text) is 'A time in ISO 8601 with an offset; null where it is none';
revoke execute on function artery_plm._moment(text) from public;

create or replace function artery_plm.create_eco(p_body jsonb, p_source text default session_user)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
    v_eco_no text := artery_erp.clean_code(p_body ->> 'ecn_no');
    v_effectivity jsonb := coalesce(nullif(p_body -> 'effectivity', 'null'), '{"kind": "now"}');
    v_at timestamptz;
    v_status text;
    v_reasons jsonb;
begin
    -- whoever writes BOMs waits here: two changes that are sound alone need not be together
    perform pg_advisory_xact_lock(hashtextextended('artery_erp.bom', 0));

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
