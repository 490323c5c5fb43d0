-- By the catalog: to_regclass raises where artery_owner may not look into the schema yet
create or replace function artery_erp._find_adopted(
    p_kind text, p_object text, out object text, out id oid
)
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select
    format('%I.%I', n.nspname, coalesce(c.relname, f.proname)),
    coalesce(c.oid, f.oid)
from (select parse_ident(p_object, false) as name) as o
inner join pg_catalog.pg_namespace as n on n.nspname = o.name[1]
left join pg_catalog.pg_class as c
    on p_kind = 'view' and c.relnamespace = n.oid and c.relname = o.name[2] and c.relkind in ('v', 'm', 'r', 'p', 'f')
left join pg_catalog.pg_proc as f
    on p_kind = 'function' and f.pronamespace = n.oid and f.proname = o.name[2]
    and f.proargtypes = array['jsonb'::regtype::oid]::oidvector
where coalesce(c.oid, f.oid) is not null
$function$;
comment on function artery_erp._find_adopted(text, text) is
'A view, or function of one jsonb, by its name with schema: quoted where needed, and its oid; null = there is none';
revoke execute on function artery_erp._find_adopted(text, text) from public;

create or replace function artery_erp.adopt(p_part text, p_object text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_kind text;
    v_object text;
begin
    select distinct c.kind
    into v_kind
    from artery_erp.adoption_contract() as c
    where c.part = p_part;
    if not found then
        raise exception using
            errcode = 'IN080',
            message = format('there is no part %s to adopt', coalesce(quote_literal(p_part), '(null)')),
            detail = format('Parts: %s.', (
                select string_agg(distinct c.part, ', ') from artery_erp.adoption_contract() as c
            )),
            hint = 'docs/attach-your-erp.md says what each is.';
    end if;
    select f.object
    into v_object
    from artery_erp._find_adopted(v_kind, p_object) as f;
    if v_object is null then
        raise exception using
            errcode = 'IN081',
            message = format('%s is no %s that %s can be', coalesce(p_object, '(null)'), v_kind, p_part),
            detail = case v_kind
                when 'view' then 'It is no view and no table.'
                else 'There is no such function of one jsonb.'
            end,
            hint = 'Name it with its schema. `artery adopt --print` writes one to fill in.';
    end if;

    insert into artery_erp.adoption as a (part, object)
    values (p_part, v_object)
    on conflict (part) do update
    set
        object = excluded.object,
        adopted_at = clock_timestamp(),
        adopted_by = session_user
    where a.object <> excluded.object;
end
$function$;
comment on function artery_erp.adopt(text, text) is
'Puts a view or function of the site''s own ERP in the place of a part of artery_erp, from the next message on. '
'artery_monitor.check_adoption() says what it lacks. Errors: IN080 no such part, IN081 no such object';
revoke execute on function artery_erp.adopt(text, text) from public;
grant execute on function artery_erp.adopt(text, text) to artery_admin;

create or replace function artery_erp.unadopt(p_part text)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
    delete from artery_erp.adoption as a
    where a.part = p_part;
    return found;
end
$function$;
comment on function artery_erp.unadopt(text) is
'Gives a part back to artery_erp''s own tables; returns whether it was adopted';
revoke execute on function artery_erp.unadopt(text) from public;
grant execute on function artery_erp.unadopt(text) to artery_admin;

create or replace function artery_erp.adopted(p_part text)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $function$
select a.object
from artery_erp.adoption as a
where a.part = p_part
$function$;
comment on function artery_erp.adopted(text) is 'The view or function that stands for a part; null = artery_erp''s own';
revoke execute on function artery_erp.adopted(text) from public;
grant execute on function artery_erp.adopted(text) to artery_reader;
