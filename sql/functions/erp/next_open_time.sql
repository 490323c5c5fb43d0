create or replace function artery_erp.next_open_time(p_at timestamptz)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $function$
declare
    v_at timestamptz := p_at;
    v_end timestamptz;
begin
    -- one closed period after the other: seldom more than a few
    loop
        select upper(p.during)
        into v_end
        from artery_erp.accounting_period as p
        where p.status = 'closed' and p.during @> v_at;
        exit when not found;
        v_at := v_end;
    end loop;
    return v_at;
end
$function$;

comment on function artery_erp.next_open_time(timestamptz) is
'p_at itself where its accounting period is open, else the start of the next one that is';
grant execute on function artery_erp.next_open_time(timestamptz) to artery_app, artery_reader;
