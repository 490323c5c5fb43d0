delete from artery.sweep_step
where name = 'expire_sso';
drop table if exists artery_procurement.sso_launch;
drop table if exists artery_procurement.sso_user;
drop table if exists artery_procurement.sso_platform;
