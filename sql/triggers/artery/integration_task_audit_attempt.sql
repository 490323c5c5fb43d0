/* The mission's audit: every attempt is counted, timed and, where it failed, kept with its error,
   whoever updates the row. Refuses transitions that the life cycle does not know, so that no code
   path can bring an ended task back. */
create or replace function artery.integration_task_audit_attempt()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_now timestamptz := clock_timestamp();
    v_entry jsonb;
begin
    if new.status = 'processing' and old.status in ('pending', 'failed') then
        new.attempt := old.attempt + 1;
        new.started_at := v_now;
        return new;
    end if;

    if (old.status, new.status) not in (
        ('processing', 'sent'), ('processing', 'failed'), ('processing', 'dead'), ('processing', 'held'),
        ('processing', 'pending'), ('pending', 'cancelled'), ('failed', 'cancelled'), ('failed', 'pending'),
        ('dead', 'pending'), ('dead', 'cancelled'), ('dead', 'compensating'), ('held', 'pending'), ('held', 'sent'),
        ('held', 'dead'), ('held', 'cancelled'), ('held', 'compensating'), ('sent', 'compensating'),
        -- and never from compensating to where a retry would send the original again
        ('compensating', 'compensated'), ('compensating', 'sent')
    ) then
        raise exception using
            errcode = 'IN004',
            message = format('task %s cannot go from %s to %s', old.id, old.status, new.status),
            detail = format('Topic %L, document %s, attempt %s.', old.topic, coalesce(old.document_id, '-'), old.attempt),
            hint = 'Use artery.retry_task or artery.cancel_task; a sent task is undone by its compensation only.';
    end if;

    if old.status = 'processing' then
        new.duration := v_now - old.started_at;
        new.locked_until := null;
        if new.status in ('failed', 'dead', 'held') then
            v_entry := jsonb_build_object(
                'attempt', old.attempt,
                'at', old.started_at,
                'duration_ms', round(extract(epoch from new.duration) * 1000, 3),
                'status', new.status,
                'status_code', new.status_code,
                'error_class', new.error_class,
                'error', new.error,
                'runner_id', old.runner_id
            );
            -- of many questions in a row the last stands for all
            if old.inquiry is not null then
                v_entry := v_entry || jsonb_build_object(
                    'asked', 1 + coalesce((old.history -> -1 ->> 'asked')::integer, 0)
                );
            end if;
            new.history := coalesce(case
                when v_entry ? 'asked' and old.history -> -1 ? 'asked' then old.history - -1
                else old.history
            end, '[]') || v_entry;
        end if;
    end if;

    if jsonb_array_length(new.history) > 50 then
        new.history := new.history - 0;
    end if;
    new.ended_at := case when new.status in ('sent', 'dead', 'cancelled', 'compensated') then v_now end;
    return new;
end
$function$;
comment on function artery.integration_task_audit_attempt() is
'Counts, times and records each attempt of a task; refuses unknown status transitions (IN004)';

create or replace trigger integration_task_audit_attempt
before update on artery.integration_task
for each row
when (old.status is distinct from new.status)
execute function artery.integration_task_audit_attempt();
comment on trigger integration_task_audit_attempt on artery.integration_task is
'The audit of each attempt and the life cycle''s guard';
