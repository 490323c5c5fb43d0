set local role artery_owner;

-- `artery endpoint show` and `artery route show` tell what each setting means: these had no comment
comment on column artery.endpoint.name is 'What it is called here: lower-case letters, digits, _ . -';
comment on column artery.endpoint.connect_timeout is 'For the name''s resolution and the TCP connection';
comment on column artery.endpoint.total_timeout is 'For the whole call, the answer''s last byte included';
comment on column artery.endpoint.backoff_base is 'Wait before the second attempt, on average half of it';
comment on column artery.endpoint.backoff_factor is 'Each further wait is so many times the one before';
comment on column artery.endpoint.backoff_cap is 'Longest wait between two attempts';
comment on column artery.endpoint.max_attempts is
'Attempts until a task is dead; our own faults (DNS, secrets, an open breaker) do not count';
comment on column artery.endpoint.retry_after_cap is 'Longest wait that a receiver''s Retry-After can ask for';
comment on column artery.endpoint.retryable_statuses is
'HTTP statuses after which a call is tried again; other 4xx are final';
comment on column artery.endpoint.max_request_bytes is 'Largest body that can be enqueued';
comment on column artery.endpoint.max_response_bytes is 'Largest answer that is taken, after decompression';
comment on column artery.endpoint.burst is 'Calls that may go at once above rate_per_second';
comment on column artery.endpoint.breaker_min_calls is 'Fewer calls in breaker_window open no breaker';
comment on column artery.endpoint.breaker_window is 'Time over which the breaker counts';
comment on column artery.endpoint.enabled is 'False: nothing is sent, its tasks wait';

comment on column artery.route.topic is 'What tasks are enqueued under; one topic, one route';
comment on column artery.route.method is 'GET, POST, PUT, PATCH or DELETE';
comment on column artery.route.content_type is 'Of the body';
comment on column artery.route.notify is 'Whether notify_channel is notified at commit';
comment on column artery.route.description is 'For people';
