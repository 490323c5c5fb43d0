drop table if exists artery.arming_event;
drop table if exists artery.arming;
