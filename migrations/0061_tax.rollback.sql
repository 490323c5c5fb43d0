revoke usage on schema artery_tax from artery_app;
drop table if exists artery_tax.invoice_alarm;
drop table if exists artery_tax.invoice_event;
drop table if exists artery_tax.item_profile;
drop table if exists artery_tax.customer_profile;
drop table if exists artery_tax.merchant;
drop table if exists artery_tax.gateway_profile;
drop table if exists artery_tax.preferential_policy;
drop table if exists artery_tax.tax_category;
