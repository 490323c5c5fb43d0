delete from artery_staging.inbox
where table_name = 'artery_staging.erp_order_event';
delete from artery.sweep_step
where argument = 'artery_staging.erp_order_event';
drop table if exists artery_staging.erp_order_event;
drop table if exists artery_mes.report_at_erp;
drop table if exists artery_mes.adopted_order;
drop table if exists artery_erp.adoption;
delete from artery_mes.mo_dispatch as d
where not exists (
    select
    from artery_erp.manufacturing_order as mo
    where mo.mo_no = d.mo_no
);
alter table artery_mes.mo_dispatch drop constraint if exists mo_dispatch_mo_no_fkey;
alter table artery_mes.mo_dispatch add constraint mo_dispatch_mo_no_fkey
foreign key (mo_no) references artery_erp.manufacturing_order (mo_no);
