drop table if exists artery_mes.mo_dispatch;
