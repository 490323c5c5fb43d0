drop table if exists artery.cloud_log;
drop table if exists artery.unhandled_reply;
drop table if exists artery.integration_task;
drop table if exists artery.runner;
