create or replace function artery_procurement.sees_too_much(p_role oid)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
begin
    return (
        select case
            when r.rolname like 'artery\_%' then 'It is one of pg_artery itself.'
            when r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolreplication
                then 'It is a superuser, or goes past row-level security, or may come to.'
            when exists (
                select
                from pg_catalog.pg_roles as s
                where
                    (s.rolname like 'artery\_%' or s.rolname in ('pg_read_all_data', 'pg_write_all_data'))
                    and pg_has_role(r.oid, s.oid, 'member')
            ) then 'It is a member of a role that sees all suppliers.'
        end
        from pg_catalog.pg_roles as r
        where r.oid = p_role
    );
end
$function$;
comment on function artery_procurement.sees_too_much(oid) is
'Why a role sees more than one supplier''s rows, whatever the policies say; null = it does not';
grant execute on function artery_procurement.sees_too_much(oid) to artery_reader;
