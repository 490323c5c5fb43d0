\echo Use "create extension pg_artery" to load this file. \quit

-- whoever installs may have any search_path, and objects of our names in his temporary schema
set local search_path = pg_catalog, pg_temp;
select pg_catalog.set_config('pg_artery.installer', pg_catalog.current_setting('role'), true);
-- what pg_dump writes turns row security off, and nobody else does; our own statements are under it
select pg_catalog.set_config('pg_artery.row_security', pg_catalog.current_setting('row_security'), true);
select pg_catalog.set_config('row_security', 'on', true);
