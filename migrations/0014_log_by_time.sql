set local role artery_owner;

-- pages read the last hour of a day's partition; a range index costs an insert next to nothing
create index cloud_log_called_at_idx on artery.cloud_log using brin (called_at) with (
    pages_per_range = 16, autosummarize = on
);
