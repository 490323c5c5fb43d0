-- What is wrong with the head of an ECN; without fault it has what the rest is read by
create or replace function artery_plm._ecn_head_reasons(p_body jsonb)
returns table (code text, path text, message text, hint text)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
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
set search_path = pg_catalog, pg_temp
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
