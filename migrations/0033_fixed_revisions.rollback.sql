drop index if exists artery_erp.bom_line_component_revision_idx;
