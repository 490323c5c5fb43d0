create or replace function artery_staging.grant_partner(
    p_role name, p_table text, p_names_source boolean default false
)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_inbox record;
    v_role record;
begin
    -- @plpgsql_check_options: security_warnings = off
    -- the table is a registered one, the role's name is quoted
    select i.*
    into v_inbox
    from artery_staging._inbox(p_table) as i;
    select
        r.rolname,
        r.rolsuper or r.rolbypassrls or has_table_privilege(r.oid, v_inbox.table_name, 'select') as sees
    into v_role
    from pg_catalog.pg_roles as r
    where r.rolname = p_role and r.rolname not like 'artery\_%';
    if not found or v_role.sees then
        raise exception using
            errcode = 'insufficient_privilege',
            message = format('%I is no role for a partner', p_role),
            detail = case
                when v_role.sees then 'It may read the inbox, or is a superuser.'
                else 'There is no such role, or it is one of pg_artery itself.'
            end,
            hint = format('create role %I login nosuperuser noinherit; and give it nothing else.', p_role);
    end if;

    execute format('grant usage on schema %I to %I', split_part(v_inbox.table_name, '.', 1), p_role);
    execute format(
        'grant insert (%s) on %s to %I',
        (
            select string_agg(quote_ident(c.name), ', ')
            from unnest(v_inbox.partner_columns || case when p_names_source then '{source}' else '{}'::text[] end) as c (name)
        ),
        v_inbox.table_name, p_role
    );
end
$function$;

comment on function artery_staging.grant_partner(name, text, boolean) is
'Lets a partner''s role insert into an inbox, the columns it fills in and nothing else. p_names_source: it may name '
'another source than itself, as middleware does. Errors: IN017 no such inbox, 42501 not a role for that';
grant execute on function artery_staging.grant_partner(name, text, boolean) to artery_admin;
