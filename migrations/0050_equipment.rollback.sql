drop table if exists artery_erp.equipment_downtime;
drop table if exists artery_erp.downtime_reason;
drop table if exists artery_erp.ideal_cycle;
drop table if exists artery_erp.equipment;
drop table if exists artery_erp.calendar_day;
drop table if exists artery_erp.work_shift;
drop table if exists artery_erp.work_calendar;
