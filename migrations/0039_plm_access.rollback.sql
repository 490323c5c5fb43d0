revoke select on artery_plm.eco_disposition, artery_plm.eco_order_change, artery_plm.wip_impact
from artery_app;
revoke usage on schema artery_plm from artery_app;
