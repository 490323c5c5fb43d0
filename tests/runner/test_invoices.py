"""Invoices against a tax gateway over HTTP: files, red letters, and every bad day it can have.

Their arithmetic and refusals are pgTAP's: tests/pgtap/artery_tax/red_letters.sql.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from tax_world import ORDER_SAGA, tax_world

pytestmark = pytest.mark.one_server


def test_an_issued_invoice_has_its_files_or_says_why_not(conn, dsn, artery_run, tmp_path):
    with tax_world(conn, spoiled=-1) as world:
        artery_run(dsn).wait_started()
        order_no = world.ship(("PUMP", "3", "99.50"), ("SEAL", "2", "1.25"))
        world.wait("files", lambda: world.status(order_no) == "issued" and world.settled())
        found = world.files(order_no)
        assert {kind: row[0] for kind, row in found.items()} == dict.fromkeys(
            ("ofd", "pdf", "xml"), "attached"
        )
        number = world.one("select invoice_no from artery_erp.ar_invoice")
        contents = {
            kind: world.one("select artery.attachment_content(%s)", row[1])
            for kind, row in found.items()
        }
        assert contents == {kind: world.cloud.file(number, kind)[0] for kind in contents}
        events = Counter(row[0] for row in world.all("select event from artery_tax.invoice_event"))
        assert events == {"created": 1, "requested": 1, "issued": 1, "file attached": 3}
        assert world.one("select artery_tax.fetch_files(%s)", order_no) == [], "fetched once"

        # the answer named another digest than the file has, and than its own header says
        conn.execute("update artery.endpoint set max_attempts = 2")
        conn.execute("delete from artery.attachment")
        conn.execute(
            "update artery_erp.ar_invoice"
            " set response = jsonb_set(response, '{files,0,sha256}', to_jsonb(repeat('0', 64)))"
        )
        world.one("select artery_tax.fetch_files(%s)", order_no)
        world.wait("the end", world.settled)
        assert world.files(order_no)["pdf"] == (
            "dead", None, "its SHA-256 is not the one that was announced",
        )  # fmt: skip
        assert world.files(order_no)["xml"][0] == "attached"

        conn.execute(
            "delete from artery.route where topic in ('tax.invoice.ofd', 'tax.invoice.xml')"
        )
        conn.execute(
            "update artery.route set download_bytes = 1000000 where topic = 'tax.invoice.pdf'"
        )
        for mood, why in (
            ("page", "no pdf file: it does not begin with %PDF-"),
            ("cut", "end of response with 9 bytes missing"),
            ("huge", "Maximum file size exceeded"),
            ("other", "its SHA-256 is not the one that its sender gave"),
        ):
            world.gateway.mood = mood
            order_no = world.ship()
            world.wait(mood, lambda o=order_no: world.status(o) == "issued" and world.settled())
            assert world.files(order_no)["pdf"] == ("dead", None, why)
            told = (
                "select detail ->> 'why' from artery_tax.invoice_event where event = 'file failed'"
            )
            assert world.one(told + " and order_no = %s", order_no) == why
        subjects = [row[0] for row in world.all("select subject from artery_monitor.attention()")]
        assert "tax.invoice.pdf" in subjects
        world.gateway.mood = "good"
        assert len(world.one("select artery_tax.fetch_files(%s)", order_no)) == 1
        world.wait("the file", world.settled)
        assert world.files(order_no)["pdf"][0] == "attached", "asked for once more"
        assert not world.broken()

    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is missing (Debian: poppler-utils)")
    pdf = tmp_path / "invoice.pdf"
    pdf.write_bytes(contents["pdf"])
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True)
    assert number.encode() in text.stdout
    assert b"301.00" in text.stdout


def test_red_letters_from_confirmation_to_number(conn, dsn, artery_run):
    with tax_world(conn) as world:
        conn.execute(ORDER_SAGA)
        artery_run(dsn).wait_started()
        blue = world.ship()
        world.wait_status(blue, "issued")

        # the buyer takes his time, and says no
        world.gateway.waiting = True
        red = world.red(blue, "02", [{"line_no": 1, "quantity": 4}])
        world.wait("the confirmation", lambda: world.cloud.confirmations)
        assert world.status(red) == "draft", "no red invoice before its confirmation"
        assert world.left(blue) == 6, "what is being taken back counts as gone"
        world.cloud.settle(world.cloud.confirmations[0][0], "refused")
        world.wait_status(red, "cancelled")
        assert world.letter(red) == "refused"
        assert world.one("select status from artery.saga") == "compensated"
        assert (world.left(blue), world.status(blue)) == (10, "issued"), "it can be asked again"
        red = world.red(blue, "02", [{"line_no": 1, "quantity": 4}])
        world.wait("the confirmation", lambda: len(world.cloud.confirmations) == 2)
        world.cloud.settle(world.cloud.confirmations[1][0], "confirmed")
        world.wait_status(red, "issued")
        assert (world.status(blue), world.letter(red)) == ("partly_red", "issued")
        world.gateway.waiting = False

        # a red invoice that is refused takes its confirmation with it
        world.gateway.refuses_red = True
        red = world.red(blue, "01")
        world.wait_status(red, "cancelled")
        assert world.letter(red) == "withdrawn"
        assert world.cloud.confirmations[2][1]["status"] == "withdrawn"
        world.gateway.refuses_red = False

        # all at once, of 6 that are left
        def ask(_number: int) -> str:
            with psycopg.connect(dsn, autocommit=True) as own:
                try:
                    return own.execute(
                        "select artery_tax.red_letter(%s, '02', %s)",
                        (blue, '[{"line_no": 1, "quantity": "2"}]'),
                    ).fetchone()[0]
                except psycopg.Error as error:
                    return error.sqlstate

        with ThreadPoolExecutor(8) as pool:
            letters = sorted(pool.map(ask, range(12)))
        assert [letter[:2] for letter in letters] == ["AR"] * 3 + ["IN"] * 9
        assert set(letters[3:]) == {"IN530"}
        world.wait("the end", world.settled)
        assert [world.status(letter) for letter in letters[:3]] == ["issued"] * 3
        assert world.status(blue) == "red"
        assert {row[0] for row in world.files(letters[0]).values()} == {"attached"}

        # an invoice as a step of a saga that is undone
        order_no = world.one(
            "select artery_tax.create_invoices('order', 'O-1', %s, %s)",
            '{"customer": "C1", "draft": true}',
            '[{"item": "PUMP", "quantity": 2, "unit": "EA", "price": 5}]',
        )[0]
        assert world.status(order_no) == "draft"
        saga = world.one("select artery.start_saga('order', %s)", f'{{"order_no": "{order_no}"}}')
        world.wait_status(order_no, "issued")
        world.one("select artery.compensate_saga(%s, 'the customer cancelled')", saga)
        world.wait_status(order_no, "red")
        world.wait("the end", world.settled)
        assert world.one("select status from artery.saga where id = %s", saga) == "compensated"
        assert [a["totalWithTax"] for _, a in world.cloud.invoices[-2:]] == ["11.30", "-11.30"]
        assert not world.broken()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        last = 40 if metafunc.config.getoption("--long") else 1
        metafunc.parametrize("seed", range(1, last + 1))


def test_whatever_the_gateway_does_one_invoice_a_request(conn, dsn, artery_run, seed):
    """It issues again whatever it is asked again; each document has bad days of its own."""
    with tax_world(conn, strict=False, seed=seed, hang=1.5) as world:
        for _ in range(2):
            artery_run(dsn).wait_started()
        blue = [world.ship(("PUMP", "10", "9.99")) for _ in range(10)]
        world.wait("blue", world.settled, 60)
        red = [
            world.red(order_no, "02", [{"line_no": 1, "quantity": 2}])
            for order_no in blue
            if world.status(order_no) == "issued"
        ]
        world.wait("red", world.settled, 60)

        effects = Counter(r for r, _ in world.cloud.invoices + world.cloud.confirmations)
        assert max(effects.values()) == 1, "one effect a Request-ID"
        numbers = {answer["orderNo"]: answer["invoiceNo"] for _, answer in world.cloud.invoices}
        assert len(numbers) == len(world.cloud.invoices), "one invoice an order"
        alarms = Counter(r[0] for r in world.all("select order_no from artery_tax.invoice_alarm"))
        rows = world.all("select order_no, kind, status, invoice_no from artery_erp.ar_invoice")
        assert len(rows) == len(blue) + len(red)
        for order_no, kind, status, number in rows:
            if status in ("issued", "partly_red"):
                assert number == numbers[order_no]
                assert {row[0] for row in world.files(order_no).values()} == {"attached"}
            else:
                assert alarms[order_no] == 1, (order_no, kind, status)
                assert number is None
        assert red
        assert not world.broken()
        calls = world.one("select count(*) from artery.cloud_log")
        print(f"seed {seed}: {len(blue)} blue, {len(red)} red, {sum(alarms.values())} alarms, "
              f"{calls} calls, {sum(world.gateway.calls.values())} posts and files")  # fmt: skip
