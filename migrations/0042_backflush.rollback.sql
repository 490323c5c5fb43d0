revoke usage on schema artery_mes from artery_app;
drop type if exists artery_mes.backflush_row;
drop type if exists artery_mes.report_verdict;
drop type if exists artery_mes.report_draft;
drop type if exists artery_mes.report_message;
drop table if exists artery_mes.report_shortage;
drop table if exists artery_mes.production_report;
