create or replace function artery_monitor._adopted_function_problems(p_function regprocedure)
returns table (severity text, problem text, remedy text)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    p.severity,
    p.problem,
    p.remedy
from pg_catalog.pg_proc as f
cross join lateral (values
    (
        f.prorettype <> 'jsonb'::regtype or f.proretset or f.prokind <> 'f',
        'wrong', format('it does not return one jsonb, but %s', pg_get_function_result(f.oid)),
        'Write it as: returns jsonb.'
    ),
    (
        f.provolatile <> 'v', 'wrong', 'it is declared stable or immutable, and has to write',
        format('alter function %s volatile;', f.oid::regprocedure)
    ),
    (
        not has_schema_privilege(f.pronamespace, 'usage') or not has_function_privilege(f.oid, 'execute'),
        'missing', 'artery_owner may not call it',
        format(
            'grant usage on schema %s to artery_owner; grant execute on function %s to artery_owner;',
            f.pronamespace::regnamespace, f.oid::regprocedure
        )
    ),
    (
        not f.prosecdef, 'advice', 'it runs as artery_owner, who needs a right on all that it touches',
        format('alter function %s security definer set search_path = pg_catalog, pg_temp;', f.oid::regprocedure)
    ),
    (
        f.prosecdef and not exists (
            select from unnest(f.proconfig) as c (setting) where c.setting like 'search\_path=%'
        ),
        'wrong', 'it is security definer, and whoever calls it chooses its search_path',
        format('alter function %s set search_path = pg_catalog, pg_temp;', f.oid::regprocedure)
    ),
    (
        f.prosecdef and exists (
            select
            from aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) as a
            where a.grantee = 0 and a.privilege_type = 'EXECUTE'
        ),
        'wrong', 'it is security definer, and everybody may call it',
        format('revoke execute on function %s from public;', f.oid::regprocedure)
    )
) as p (holds, severity, problem, remedy)
where f.oid = p_function and p.holds
$function$;
comment on function artery_monitor._adopted_function_problems(regprocedure) is
'What a function lacks as the production_report of an adopted ERP: result, rights, safety';
revoke execute on function artery_monitor._adopted_function_problems(regprocedure) from public;
