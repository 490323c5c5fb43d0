delete from artery.sweep_step
where name = 'count_calls';
drop table if exists artery.call_rollup;
drop table if exists artery.call_count;
drop table if exists artery.call_minute;
