set local role artery_owner;

-- pages read the last hour of a day's partition; a range index costs an insert next to nothing.
-- An index of a partitioned table cannot be made concurrently; this kind takes one read of the log
-- squawk-ignore require-concurrent-index-creation
create index cloud_log_called_at_idx on artery.cloud_log using brin (called_at) with (
    pages_per_range = 16, autosummarize = on
);
