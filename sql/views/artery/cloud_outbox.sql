create or replace view artery.cloud_outbox
with (security_invoker = true)
as
select
    t.id,
    t.request_id,
    t.topic,
    t.endpoint_id,
    t.status,
    t.document_type,
    t.document_id,
    t.method,
    t.path,
    t.body,
    t.attempt,
    t.failures,
    t.max_attempts,
    t.due_at,
    t.created_at,
    t.ended_at,
    t.status_code,
    t.error_class,
    t.error
from artery.integration_task as t
where
    t.endpoint_id in (
        select e.id
        from artery.endpoint as e
        where e.cloud
    );
comment on view artery.cloud_outbox is
'The cloud-bound part of artery.integration_task: endpoints outside our own premises';
grant select on artery.cloud_outbox to artery_reader;
