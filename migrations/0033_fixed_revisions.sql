set local role artery_owner;

-- which revisions lines ask for by name: few, and the search for circles asks at every edge;
-- a migration is one transaction, so not concurrently
-- squawk-ignore require-concurrent-index-creation
create index bom_line_component_revision_idx on artery_erp.bom_line (
    component_code, component_revision
) where component_revision is not null;
