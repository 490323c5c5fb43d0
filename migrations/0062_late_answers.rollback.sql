update artery_tax.gateway_profile
set codes = codes - 'time_zone'
where name = 'digital';
delete from artery_erp.document_transition
where
    document_type = 'ar_invoice'
    and (from_status, to_status) in (
        ('refused', 'issued'), ('undelivered', 'issued'), ('undelivered', 'refused')
    );
