-- pg_artery @VERSION@ for servers whose files nobody can reach, through pg_tle:
--
--   psql -X -v ON_ERROR_STOP=1 -d DATABASE -f THIS_FILE
--
-- as a member of pgtle_admin, once in each database that has the extension pg_tle. Then
-- `create extension pg_artery`, or `alter extension pg_artery update`.
begin;
do $check$
declare
    v_version constant text := (select e.extversion from pg_catalog.pg_extension as e where e.extname = 'pg_tle');
begin
    if v_version is null or string_to_array(v_version, '.')::integer[] < array[1, 5] then
        raise exception using
            errcode = 'feature_not_supported',
            message = 'pg_artery needs pg_tle 1.5 or newer in this database',
            detail = coalesce('It has ' || v_version || '.', 'It has none.'),
            hint = 'create extension pg_tle, or alter extension pg_tle update; where the server has no newer one: artery migrate.';
    end if;
end
$check$;
-- to adopt what is migrated: only before there is the extension, which holds fast what it came from
select pgtle.uninstall_extension(v.name, v.version)
from pgtle.available_extension_versions() as v
where
    (v.name, v.version) = ('pg_artery', 'unpackaged')
    and not exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_artery');
