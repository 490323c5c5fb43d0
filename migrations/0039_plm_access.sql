set local role artery_owner;

-- the ERP's own code approves changes, chooses dispositions and reads what they hit
grant usage on schema artery_plm to artery_app;
grant select on artery_plm.eco_disposition, artery_plm.eco_order_change, artery_plm.wip_impact
to artery_app;
