"""A supplier sees and sends what is its own, and learns nothing of any other."""

from __future__ import annotations

import random
import threading

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb
from supplier_world import asn

from pooler import pgbouncer

#: what a supplier can read, each with rows of ACME and of BETA in it
READABLE = {
    "artery_erp.supplier", "artery_erp.supplier_role", "artery_erp.purchase_order",
    "artery_erp.purchase_order_line", "artery_erp.asn_document", "artery_erp.asn_line",
    "artery_procurement.po_dispatch", "artery_procurement.po_reply",
    "artery_procurement.po_reply_line", "artery_procurement.po_line_status",
    "artery_staging.supplier_asn", "artery_staging.supplier_po_reply",
}  # fmt: skip
VIEWS = {"artery_procurement.po_line_status"}
SENDS = {"artery_staging.supplier_asn", "artery_staging.supplier_po_reply"}
RELATIONS = """
select c.oid::regclass::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname ~ '^artery' and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1
"""


def sqlstate(connection: psycopg.Connection, statement: str, *values: object) -> str | None:
    """The SQLSTATE that a statement fails with; undone if it does not."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode(), values or None)
    except psycopg.Error as error:
        return error.sqlstate
    return None


def seen(connection: psycopg.Connection, relation: str) -> list[str]:
    """All rows of a relation that a role reads, in the columns that it may."""
    columns = connection.execute(
        "select string_agg(quote_ident(a.attname), ', ') from pg_attribute as a"
        " where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped"
        " and has_column_privilege(a.attrelid, a.attnum, 'select')",
        (relation,),
    ).fetchone()
    assert columns is not None
    rows = connection.execute(f"select ({columns[0]})::text from {relation}".encode())
    return [f"{row[0]}" for row in rows]


def test_by_role_every_relation_and_every_verb(conn, connect, world) -> None:
    relations = [name for (name,) in conn.execute(RELATIONS)]
    assert set(relations) > READABLE
    for role, own, other in ((world.acme, "ACME", "BETA"), (world.beta, "BETA", "ACME")):
        supplier = connect(role)
        for name in relations:
            if name in READABLE:
                rows = seen(supplier, name)
                mine = own if name != "artery_erp.supplier_role" else role
                assert rows, name
                assert all(mine in row and other not in row for row in rows), name
                assert not any("DRAFT" in row for row in rows), name
            else:
                assert sqlstate(supplier, f"select from {name}") == "42501", name
            for verb in ("delete from {}", "truncate {}", "update {} set {} = default",
                         "select from {} for update"):  # fmt: skip
                column = one(conn, "select attname from pg_attribute where attnum = 1"
                             " and attrelid = %s::regclass", name)  # fmt: skip
                statement = verb.format(name, column)
                assert sqlstate(supplier, statement) in ("42501", "55000", "42809"), statement
            if name not in SENDS:
                assert sqlstate(supplier, f"insert into {name} default values") in (
                    "42501",
                    "55000",
                ), name
            assert sqlstate(supplier, f"copy {name} from stdin") == "42501", name


def test_with_every_right_on_the_tables_the_policies_alone_hold(conn, connect, world) -> None:
    tables = sorted(READABLE - VIEWS)
    for name in tables:
        conn.execute(f"grant all on {name} to {world.acme}".encode())
    supplier = connect(world.acme)
    for name in tables:
        flags = "select relrowsecurity, relforcerowsecurity from pg_class where oid = %s::regclass"
        assert conn.execute(flags, (name,)).fetchone() == (True, True)
        before = conn.execute(f"select count(*) from {name}".encode()).fetchone()
        rows = seen(supplier, name)
        assert rows, name
        assert not any("BETA" in row or "beta" in row for row in rows), name
        column = one(conn, "select attname from pg_attribute where attnum = 2"
                     " and attrelid = %s::regclass", name)  # fmt: skip
        # no policy lets a supplier change anything: not even its own
        with supplier.transaction(force_rollback=True):
            assert supplier.execute(f"delete from {name}".encode()).rowcount == 0
            if name not in ("artery_staging.supplier_asn", "artery_staging.supplier_po_reply"):
                changed = supplier.execute(f"update {name} set {column} = {column}".encode())
                assert changed.rowcount == 0
        copies = f"insert into {name} overriding system value select * from {name} limit 1"
        if name not in SENDS:
            assert sqlstate(supplier, copies) in ("42501", "428C9"), name
        assert conn.execute(f"select count(*) from {name}".encode()).fetchone() == before
    for name in tables:
        conn.execute(f"revoke all on {name} from {world.acme}".encode())
    conn.execute("select artery_procurement.grant_supplier(%s, 'ACME')", (world.acme,))


def test_keys_answer_no_question_about_another(conn, connect, world) -> None:
    supplier = connect(world.acme)
    for table, taken in (("supplier_asn", "ASN-BETA"), ("supplier_po_reply", "R-BETA")):
        insert = (
            f"insert into artery_staging.{table} (source, message_id, body) values (%s, %s, %s)"
        )
        for number in (taken, "NOT-THERE"):
            for end in ("", " on conflict do nothing"):
                assert sqlstate(supplier, insert + end, "BETA", number, Jsonb({})) == "42501"
            # the number of another supplier is free
            assert sqlstate(supplier, insert, "ACME", number, Jsonb({})) is None
    said = [
        supplier.execute("select artery_api_v1.submit_asn(%s)", (asn("ACME", number, lines=[
            {"line_no": 1, "po_no": po_no, "po_line_no": 10, "item": "RESIN", "quantity": 1,
             "lot": "L"}
        ]),)).fetchone()[0]
        for number, po_no in (
            ("X-1", "PO-BETA"), ("X-2", "DRAFT-ACME"), ("X-3", "DRAFT-BETA"),
            ("X-4", "DRAFT-CANCELLED-ACME"), ("X-5", "NONE"),
        )
    ]  # fmt: skip
    assert [reason["code"] for answer in said for reason in answer["reasons"]] == ["IN606"] * 5
    assert "id" not in said[0]
    for claimed in ("BETA", "NOBODY"):
        body = asn(claimed, "X-4")
        assert sqlstate(supplier, "select artery_api_v1.submit_asn(%s)", body) == "42501"
    for search in ({"lot": "LOT-BETA"}, {"item": "RESIN", "supplier": "BETA"}):
        found = supplier.execute("select * from artery_procurement.find_asn(%s)", (Jsonb(search),))
        assert found.fetchall() == []
    own = supplier.execute('select asn_no from artery_procurement.find_asn(\'{"item": "RESIN"}\')')
    assert own.fetchall() == [("ASN-ACME",)]


def test_a_condition_of_the_suppliers_own_sees_no_other_row(connect, conn, world) -> None:
    supplier = connect(world.acme)
    supplier.execute(
        "create function pg_temp.peek(text) returns boolean language plpgsql cost 0.0001"
        " as $$ begin raise notice '%', $1; return true; end $$"
    )
    heard: list[str] = []
    supplier.add_notice_handler(lambda notice: heard.append(notice.message_primary or ""))
    for table in ("asn_document", "asn_line"):
        supplier.execute(f"select from artery_erp.{table} where pg_temp.peek(asn_no)".encode())
    assert set(heard) == {"ASN-ACME"}


def test_who_acts_for_whom_cannot_be_claimed(conn, connect, world) -> None:
    supplier = connect(world.acme)
    for statement in (
        f"set role {world.beta}", "set role artery_owner", "set session authorization postgres",
        "select set_config('role', 'artery_app', true)", "set row_security = off;"
        " select from artery_erp.purchase_order",
        f"insert into artery_erp.supplier_role values ('{world.acme}', 'BETA')",
        f"select artery_procurement.grant_supplier('{world.acme}', 'BETA')",
    ):  # fmt: skip
        assert sqlstate(supplier, statement) == "42501", statement
    functions = conn.execute(
        "select p.oid::regprocedure::text from pg_proc as p join pg_namespace as n"
        " on n.oid = p.pronamespace where n.nspname ~ '^artery'"
        " and has_function_privilege(%s, p.oid, 'execute') order by 1",
        (world.acme,),
    ).fetchall()
    assert [name for (name,) in functions] == [
        "artery_api_v1.submit_asn(jsonb)", "artery_api_v1.submit_po_reply(jsonb)",
        "artery_procurement.find_asn(jsonb,integer)",
    ]  # fmt: skip
    for role in ("postgres", "artery_app", "nobody_of_that_name"):
        assert (
            sqlstate(conn, "select artery_procurement.grant_supplier(%s, 'ACME')", role) == "42501"
        )
    conn.execute(f"grant artery_reader to {world.portal}".encode())
    assert (
        sqlstate(conn, "select artery_procurement.grant_supplier(%s, 'ACME')", world.portal)
        == "42501"
    )
    conn.execute(f"revoke artery_reader from {world.portal}".encode())


def test_the_doctor_sees_who_could_see_too_much(conn, world) -> None:
    problems = "select subject from artery_procurement.supplier_access_problem order by 1"
    doctor = "select state, found from artery_monitor.doctor() where subject = 'suppliers'"
    assert conn.execute(problems).fetchall() == []
    assert conn.execute(doctor).fetchone() == ("ok", "each sees its own rows alone")
    with conn.transaction(force_rollback=True):
        conn.execute(f"grant artery_reader to {world.acme}".encode())
        conn.execute("alter table artery_erp.asn_line no force row level security")
        assert conn.execute(problems).fetchall() == [("artery_erp.asn_line",), (world.acme,)]
        state, found = conn.execute(doctor).fetchone()  # type: ignore[misc]
        assert (state, "sees all suppliers" in found) == ("critical", True)


def test_what_was_revoked_is_gone(conn, connect, world) -> None:
    conn.execute("select artery_procurement.grant_supplier(%s, 'BETA')", (world.acme,))
    both = connect(world.acme).execute(
        "select supplier_code from artery_erp.asn_document order by 1"
    )
    assert both.fetchall() == [("ACME",), ("BETA",)]
    for supplier in ("BETA", "ACME"):
        conn.execute("select artery_procurement.revoke_supplier(%s, %s)", (world.acme, supplier))
    assert sqlstate(connect(world.acme), "select from artery_erp.asn_document") == "42501"
    rights = "select count(*) from pg_shdepend where refobjid = %s::regrole and deptype = 'a'"
    assert one(conn, rights, world.acme) == 0
    conn.execute("select artery_procurement.grant_supplier(%s, 'ACME')", (world.acme,))


def test_the_search_uses_its_index_under_row_level_security(conn, connect, world) -> None:
    scans = (
        "select idx_scan from pg_stat_user_indexes where indexrelname = 'asn_document_detail_idx'"
    )
    before = one(conn, scans)
    supplier = connect(world.acme)
    supplier.execute("set enable_seqscan = off")
    supplier.execute('select artery_procurement.find_asn(\'{"lot": "LOT-ACME"}\')')
    supplier.close()
    for _ in range(100):
        if one(conn, scans) > before:
            break
        conn.execute("select pg_stat_clear_snapshot(), pg_sleep(0.02)")
    assert one(conn, scans) > before


@pytest.mark.one_server
def test_through_a_pool_in_transaction_mode_no_connection_keeps_a_supplier(
    cluster, dsn, conn, world, tmp_path
) -> None:
    leaks: list[object] = []
    roles = {"ACME": world.acme, "BETA": world.beta}

    def client(url: str, seed: int) -> None:
        rng = random.Random(seed)
        with psycopg.connect(
            make_conninfo(url, user=world.portal), autocommit=True, prepare_threshold=None
        ) as pooled:
            for n in range(20):
                own = rng.choice(sorted(roles))
                with pooled.transaction():
                    pooled.execute(f"set local role {roles[own]}".encode())
                    for table in ("asn_document", "purchase_order", "asn_line"):
                        rows = pooled.execute(
                            f"select distinct supplier_code from artery_erp.{table}".encode()
                        ).fetchall()
                        leaks.extend([] if rows == [(own,)] else [(table, own, rows)])
                    if n % 5 == 0:
                        answer = pooled.execute(
                            "select artery_api_v1.submit_asn(%s)", (asn(own, f"{own}-{seed}-{n}"),)
                        ).fetchone()[0]  # type: ignore[index]
                        leaks.extend([] if answer["status"] == "processed" else [answer])
                # the transaction over, the connection is nobody's
                if sqlstate(pooled, "select from artery_erp.asn_document") != "42501":
                    leaks.append("a tenant stayed")

    with pgbouncer(cluster, dsn, tmp_path, [world.portal, world.acme, world.beta], 2) as url:
        threads = [threading.Thread(target=client, args=(url, seed)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for role, own in ((world.acme, "ACME"), (world.beta, "BETA")):
            with psycopg.connect(make_conninfo(url, user=role), prepare_threshold=None) as direct:
                rows = direct.execute("select distinct supplier_code from artery_erp.asn_document")
                assert rows.fetchall() == [(own,)]
    assert leaks == []
    sent = one(conn, "select count(*) from artery_erp.asn_document where asn_no ~ '^(ACME|BETA)-'")
    assert sent == 24


def one(conn: psycopg.Connection, statement: str, *values: object) -> object:
    row = conn.execute(statement.encode(), values or None).fetchone()
    assert row is not None
    return row[0]
