drop table if exists artery.rate_limiter;
drop table if exists artery.lane;
drop table if exists artery.route;
drop table if exists artery.endpoint;
