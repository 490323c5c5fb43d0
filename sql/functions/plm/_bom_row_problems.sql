-- What is wrong with the rows as they stand, all of it at once, before anything is cast or stored
create or replace function artery_plm._bom_row_problems(p_message bigint)
returns table (code text, path text, given text, seq integer)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
with judged as materialized (
    select
        r.path,
        r.seq,
        array_remove(array[
            -- a bad parent is told once, with its BOM
            case when r.item is null or r.kind <> 'line' and r.item !~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$' then
                jsonb_build_array('IN203', case r.kind when 'line' then 'parent' when 'item' then 'code' else 'item' end, r.item)
            end,
            case when r.kind = 'line' and (r.component is null or r.component !~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$') then
                jsonb_build_array('IN203', 'component', r.component)
            end,
            case when r.revision !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$' then jsonb_build_array('IN203', 'revision', r.revision) end,
            case when r.component_revision !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$' then
                jsonb_build_array('IN203', 'component_revision', r.component_revision)
            end,
            case when r.unit is not null and u.code is null then jsonb_build_array('IN204', 'unit', r.unit) end,
            case when case
                when r.quantity is null then r.kind = 'line'
                when not artery_plm._is_number(r.quantity) then true
                else r.quantity::numeric <= 0 or r.quantity::numeric >= 1e15
            end then jsonb_build_array('IN205', case r.kind when 'bom' then 'base_quantity' else 'quantity' end, r.quantity) end,
            case when case
                when r.scrap_rate is null then false
                when not artery_plm._is_number(r.scrap_rate) then true
                else r.scrap_rate::numeric < 0 or r.scrap_rate::numeric >= 100
            end then jsonb_build_array('IN205', 'scrap_rate', r.scrap_rate) end,
            case when r.valid_from is not null and artery_plm._as_time(r.valid_from) is null then
                jsonb_build_array('IN206', 'valid_from', r.valid_from)
            end,
            case when r.valid_to is not null and coalesce(
                artery_plm._as_time(r.valid_to) is null
                or artery_plm._as_time(r.valid_to) < artery_plm._as_time(r.valid_from),
                false
            ) then jsonb_build_array('IN206', 'valid_to', r.valid_to) end,
            case when r.line_no !~ '^0*[1-9][0-9]{0,8}$' then jsonb_build_array('IN213', 'line_no', r.line_no) end,
            case when r.operation_no !~ '^0*[1-9][0-9]{0,8}$' then jsonb_build_array('IN213', 'operation_no', r.operation_no) end,
            case when r.issue_method <> all('{issue,backflush,floor_stock}') then jsonb_build_array('IN213', 'issue_method', r.issue_method) end,
            case when r.phantom <> all('{true,false,1,0}') then jsonb_build_array('IN213', 'phantom', r.phantom) end,
            case when r.status <> all('{draft,released}') then jsonb_build_array('IN213', 'status', r.status) end,
            case when r.more ->> 'source' <> all('{make,buy}') then jsonb_build_array('IN213', 'source', r.more ->> 'source') end,
            case when r.warehouse is not null and not exists (
                select from artery_erp.warehouse as w where w.code = r.warehouse
            ) then jsonb_build_array('IN213', 'warehouse', r.warehouse) end,
            case when r.designators is not null and (
                (select count(distinct d.name) < count(*) or bool_or(coalesce(d.name, '') = '') from unnest(r.designators) as d (name))
                -- one place for each piece
                or u.whole_number and case when artery_plm._is_number(r.quantity) then
                    trunc(r.quantity::numeric) = r.quantity::numeric and cardinality(r.designators) <> r.quantity::numeric
                end
            ) then jsonb_build_array('IN214', 'designators', array_to_string(r.designators, ', ', '')) end
        ], null) as problems
    from artery_plm.bom_import_row as r
    left join artery_erp.unit as u on u.code = r.unit
    where r.message = p_message and r.kind <> 'operation'
)

select
    p.problem ->> 0,
    j.path || '/' || (p.problem ->> 1),
    p.problem ->> 2,
    j.seq
from judged as j
cross join lateral unnest(j.problems) as p (problem)
where j.problems <> '{}'
union all
-- a line number or an operation given twice, a BOM sent twice
select
    'IN207',
    min(r.path) filter (where r.n = 2),
    min(r.given),
    min(r.seq)
from (
    select
        x.path,
        x.seq,
        x.bom,
        x.kind,
        coalesce(ltrim(coalesce(x.line_no, x.operation_no), '0'), concat_ws(' ', x.item, x.revision)) as given,
        row_number() over (
            partition by
                x.kind, x.bom,
                coalesce(ltrim(case x.kind when 'line' then x.line_no else x.operation_no end, '0'), concat_ws(' ', x.item, x.revision))
            order by x.seq
        ) as n
    from artery_plm.bom_import_row as x
    where x.message = p_message and (x.kind <> 'line' or x.line_no is not null)
) as r
group by r.kind, r.bom, r.given
having count(*) > 1
union all
select
    p.code,
    s.path || p.field,
    p.given,
    s.seq
from (
    select
        r.seq,
        format('%s/substitutes/%s', r.path, x.n - 1) as path,
        artery_plm._code(x.value ->> 'component') as component,
        artery_plm._number_text(x.value -> 'ratio') as ratio,
        artery_plm._number_text(x.value -> 'priority') as priority
    from artery_plm.bom_import_row as r
    cross join lateral jsonb_array_elements(r.substitutes) with ordinality as x (value, n)
    where r.message = p_message and r.kind = 'line' and jsonb_typeof(r.substitutes) = 'array'
) as s
cross join lateral (values
    ('IN203', '/component', s.component, s.component is null or s.component !~ '^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,63}$'),
    ('IN205', '/ratio', s.ratio, case
        when not artery_plm._is_number(s.ratio) then true
        else s.ratio::numeric <= 0 or s.ratio::numeric >= 1e15
    end),
    ('IN213', '/priority', s.priority, s.priority !~ '^0*[1-9][0-9]{0,8}$')
) as p (code, field, given, wrong)
where p.wrong
union all
select
    case p.field when '/operation_no' then 'IN213' else 'IN205' end,
    r.path || p.field,
    p.given,
    r.seq
from artery_plm.bom_import_row as r
cross join lateral (values
    ('/operation_no', r.operation_no, r.operation_no is null or r.operation_no !~ '^0*[1-9][0-9]{0,8}$'),
    ('/setup_minutes', r.more ->> 'setup_minutes', case
        when not artery_plm._is_number(r.more ->> 'setup_minutes') then true
        else (r.more ->> 'setup_minutes')::numeric not between 0 and 999999999
    end),
    ('/run_minutes', r.more ->> 'run_minutes', case
        when not artery_plm._is_number(r.more ->> 'run_minutes') then true
        else (r.more ->> 'run_minutes')::numeric not between 0 and 999999999
    end)
) as p (field, given, wrong)
where r.message = p_message and r.kind = 'operation' and p.wrong
$function$;
comment on function artery_plm._bom_row_problems(bigint) is
'What is wrong with the rows of a message by themselves: SQLSTATE, where, what was given';

create or replace function artery_plm._explain_bom_problem(p_code text, p_path text, p_given text)
returns jsonb
language sql
immutable
parallel safe
set search_path = pg_catalog, pg_temp
as $function$
select artery._reason(
    p_code,
    format(k.message, coalesce(quote_literal(left(p_given, 80)), 'nothing'), substring(p_path from '[^/]*$')),
    k.hint,
    p_path
)
from (values
    ('IN203', '%2$s %1$s is not a code', 'Codes are ASCII: letters, digits and . _ / + # - after the first. Letters of other alphabets that look the same are others.'),
    ('IN204', 'there is no unit %1$s', 'Send a unit of artery_erp.unit, or have it added there.'),
    ('IN205', '%2$s %1$s is not a number above 0 and below 1e15', 'Send a decimal number with a point; a scrap_rate may be 0, and 0.05 is 5 %.'),
    ('IN206', '%2$s %1$s is not a time, or before the beginning', 'Send ISO 8601: 2026-03-31 or 2026-03-31T06:00:00+02:00.'),
    ('IN207', '%1$s is there more than once', 'A line number, an operation or a revision may occur once.'),
    ('IN213', '%2$s %1$s is not one that is known', 'Numbers of lines and operations are whole and above 0; warehouses are those of artery_erp.warehouse.'),
    ('IN214', 'designators %1$s: not one a piece, or one is there twice', 'Each piece has a designator of its own: as many as the quantity.')
) as k (code, message, hint)
where k.code = p_code
$function$;
comment on function artery_plm._explain_bom_problem(text, text, text) is 'A reason with its text';
