drop table if exists artery.breaker_event;
drop table if exists artery.breaker;
