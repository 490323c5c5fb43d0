drop table if exists artery_mes.mo_dispatch;
revoke usage on schema artery_mes from artery_reader, artery_admin;
