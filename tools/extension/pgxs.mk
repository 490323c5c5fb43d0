# What `make install` and `make installcheck` do: PostgreSQL's own build rules, on build/extension
EXTENSION = pg_artery
DATA = $(wildcard build/extension/*.sql)
REGRESS = smoke
REGRESS_OPTS = --inputdir=tests/installcheck --outputdir=build/installcheck

PG_CONFIG ?= pg_config
include $(shell $(PG_CONFIG) --pgxs)
