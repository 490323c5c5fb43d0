drop index if exists artery.cloud_log_called_at_idx;
