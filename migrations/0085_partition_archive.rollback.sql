-- what is detached and not dropped stays, as a table of its own
drop table if exists artery.partition_archive;
alter table artery.partitioning
drop column archive_before_drop,
drop column problem,
drop column problem_since;
