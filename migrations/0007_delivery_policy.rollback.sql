drop table if exists artery.breaker_event;
drop table if exists artery.breaker;
alter table artery.rate_limiter drop column if exists next_free_at;
alter table artery.endpoint
drop column if exists rate_per_second,
drop column if exists burst,
drop column if exists breaker_min_calls,
drop column if exists breaker_failure_rate,
drop column if exists breaker_window,
drop column if exists breaker_open_for,
drop column if exists status_outcomes;
