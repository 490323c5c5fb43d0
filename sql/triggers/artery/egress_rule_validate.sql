/* What the runner's guard (egress.py) opens by an exact address alone, no wider rule must seem to
   open: that is said here, while somebody looks. */
create or replace function artery.egress_rule_validate()
returns trigger
language plpgsql
volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
    -- loopback, link-local with the clouds' metadata, unspecified, multicast, and the forms of IPv6
    -- that carry an IPv4 address: mapped, compatible, translated, NAT64, 6to4, Teredo
    c_exact_only constant inet[] := array[
        inet '0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', 'fe80::/10', 'ff00::/8',
        'fd00:ec2::/32', 'fd20:ce::/32', '::/96', '::ffff:0.0.0.0/96', '::ffff:0:0:0/96',
        '64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', '2001::/32'
    ];
    v_host integer := case family(new.network) when 4 then 32 else 128 end;
    v_problems text[] := array[]::text[];
begin
    new.last_port := coalesce(new.last_port, new.first_port);
    if new.network <> network(new.network)::inet then
        v_problems := v_problems || format(
            '%s is neither an address nor a network; write %s or %s', new.network,
            network(new.network), host(new.network)
        );
    end if;
    if new.first_port not between 1 and 65535 or new.last_port not between new.first_port and 65535
    then
        v_problems := v_problems || format(
            'ports %s to %s: needed are 1 to 65535, the lower one first', new.first_port, new.last_port
        );
    end if;
    if new.network <<= any(c_exact_only)
        and (masklen(new.network) < v_host or new.first_port <> new.last_port)
    then
        v_problems := v_problems || format(
            '%s lies where a wide rule opens nothing (loopback, link-local and metadata, '
            'unspecified, multicast, IPv4 inside IPv6); write one address and one port', new.network
        );
    end if;
    if cardinality(v_problems) > 0 then
        raise exception using
            errcode = 'IN040',
            message = format('egress rule of endpoint %L does not hold', new.endpoint),
            detail = array_to_string(v_problems, '; ') || '.',
            hint = 'Like (''mes'', ''10.20.0.0/16'', 443, 443) for a network, (''mes'', ''10.20.3.4'', 8080, 8089) for an address with ten ports.';
    end if;
    return new;
end
$function$;
comment on function artery.egress_rule_validate() is
'Refuses rules that name no network, no ports, or open nothing (IN040), all reasons at once';

create or replace trigger egress_rule_validate
before insert or update on artery.egress_rule
for each row
execute function artery.egress_rule_validate();
comment on trigger egress_rule_validate on artery.egress_rule is
'Refuses rules that do not hold; last_port is first_port where it is not given';
