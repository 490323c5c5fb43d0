drop table if exists artery.sweep_step;
