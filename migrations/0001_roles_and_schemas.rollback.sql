-- The roles stay: they belong to the cluster, and other databases may use them.
drop schema if exists artery_api_v1;
drop schema if exists artery_monitor;
drop schema if exists artery_procurement;
drop schema if exists artery_tax;
drop schema if exists artery_iot;
drop schema if exists artery_mes;
drop schema if exists artery_plm;
drop schema if exists artery_staging;
drop schema if exists artery_erp;
drop schema if exists artery;
alter default privileges for role artery_owner grant execute on functions to public;
alter default privileges for role artery_owner grant usage on types to public;
