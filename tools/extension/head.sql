\echo Use "create extension pg_artery" to load this file. \quit

-- whoever installs may have any search_path, and objects of our names in his temporary schema
set local search_path = pg_catalog, pg_temp;
select pg_catalog.set_config('pg_artery.installer', pg_catalog.current_setting('role'), true);
