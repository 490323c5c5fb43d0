drop table if exists artery.retention;
drop table if exists artery.partitioning;
drop table if exists artery.sweep_step;
