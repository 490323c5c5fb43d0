-- the code of the version before comes with its own sql/
select 1;
