"""What the demo's tax gateway demands of an invoice, counted by itself in decimals.

Sources: the rules of fully digitalised invoices as the documentation names them (docs/invoices.md).
Every fault of a request is told, not the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Doc = Mapping[str, Any]

MONEY = re.compile(r"-?\d{1,13}\.\d{2}")
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,8})?")
RATE = re.compile(r"0(\.\d{1,4})?|1")
CENT = Decimal("0.01")
#: how far the tax of a line, and its amount, may be from what they are counted from
TAX_SLACK, AMOUNT_SLACK = Decimal("0.06"), Decimal("0.02")
MOST_LINES = 2000
TOTALS = ("totalAmount", "totalTax", "totalWithTax")
REASONS = ("01", "02", "03", "04")


def money(document: Doc, name: str) -> Decimal | None:
    """Give an amount that is a string of two decimals; null for anything else."""
    value = document.get(name)
    return Decimal(value) if isinstance(value, str) and MONEY.fullmatch(value) else None


def faults(invoice: Doc, request_id: str) -> list[str]:
    """Tell all that is wrong with a request for an invoice; empty = it can be issued."""
    lines = [line for line in invoice.get("lines") or [] if isinstance(line, dict)]
    red = invoice.get("color") == "red"
    found = [*_head(invoice, request_id), *_sums(invoice, lines, red)]
    for position, line in enumerate(lines):
        before = lines[position - 1] if position else {}
        found += (f"line {position + 1}: {fault}" for fault in _line(line, before, red))
        after = lines[position + 1] if position + 1 < len(lines) else {}
        if line.get("lineKind") == "2" and after.get("lineKind") != "1":
            found.append(f"line {position + 1}: discounted, and no discount row follows it")
    return found


def _head(invoice: Doc, request_id: str) -> Iterator[str]:
    if invoice.get("requestId") != request_id:
        yield "requestId is not the X-Request-ID"
    if not re.fullmatch(r"[A-Za-z0-9]{1,50}", str(invoice.get("orderNo"))):
        yield "orderNo must be 1 to 50 letters and digits"
    if invoice.get("invoiceType") not in ("81", "82"):
        yield "invoiceType must be 81 or 82"
    if invoice.get("color") not in ("blue", "red"):
        yield "color must be blue or red"
    seller, buyer = invoice.get("seller") or {}, invoice.get("buyer") or {}
    for side, party in (("seller", seller), ("buyer", buyer)):
        if not party.get("name"):
            yield f"{side}.name is missing"
        number = party.get("taxNo")
        if number is not None and not re.fullmatch(r"[0-9A-Z]{15,20}", str(number)):
            yield f"{side}.taxNo must be 15 to 20 digits and capitals"
    if not seller.get("taxNo"):
        yield "seller.taxNo is missing"
    if not buyer.get("taxNo") and (invoice.get("invoiceType") == "81" or not _person(buyer)):
        yield "buyer.taxNo is missing"


def _person(buyer: Doc) -> bool:
    return buyer.get("naturalPerson") is True


def _sums(invoice: Doc, lines: Sequence[Doc], red: bool) -> Iterator[str]:
    if not 1 <= len(lines) <= MOST_LINES:
        yield f"1 to {MOST_LINES} lines, not {len(lines)}"
    if invoice.get("lineCount") != len(lines):
        yield "lineCount is not the number of lines"
    amount, tax, total = (money(invoice, name) for name in TOTALS)
    if amount is None or tax is None or total is None:
        yield "totals must be strings of two decimals"
        return
    if amount + tax != total:
        yield "totalAmount + totalTax is not totalWithTax"
    if total == 0 or (total < 0) != red:
        yield "a blue total is above zero, a red one below"
    for name, field, said in (("amount", "totalAmount", amount), ("tax", "totalTax", tax)):
        summed = sum((money(line, name) or Decimal(0) for line in lines), Decimal(0))
        if summed != said:
            yield f"{field} is {said}, its lines come to {summed}"


def _line(line: Doc, before: Doc, red: bool) -> Iterator[str]:
    kind = line.get("lineKind")
    if kind not in ("0", "1", "2") or (red and kind != "0"):
        yield "lineKind must be 0, 1 or 2, and 0 on a red invoice"
    if not line.get("name"):
        yield "name is missing"
    if not re.fullmatch(r"\d{19}", str(line.get("taxClassCode"))):
        yield "taxClassCode must be 19 digits"
    amount, tax, rate = money(line, "amount"), money(line, "tax"), line.get("taxRate")
    if amount is None or tax is None or not (isinstance(rate, str) and RATE.fullmatch(rate)):
        yield "amount, tax and taxRate must be strings, money of two decimals"
        return
    if abs(amount * Decimal(rate) - tax) > TAX_SLACK:
        yield f"tax {tax} is more than {TAX_SLACK} away from {amount} at {rate}"
    if (amount < 0) != (red or kind == "1") and amount != 0:
        yield "its amount has the wrong sign"
    if kind == "1" and (before.get("lineKind") != "2" or before.get("name") != line.get("name")):
        yield "a discount row must follow its discounted line and have its name"
    if Decimal(rate) == 0 and line.get("zeroRateFlag") is None and line.get("policyFlag") != "1":
        yield "rate 0 without zeroRateFlag or policy"
    if line.get("policyFlag") == "1" and not (line.get("policyCode") and line.get("policyName")):
        yield "policyFlag 1 without policyCode and policyName"
    quantity, price = line.get("quantity"), line.get("price")
    if quantity is None and price is None and (red or kind == "1"):
        return
    if not all(isinstance(n, str) and NUMBER.fullmatch(n) for n in (quantity, price)):
        yield "quantity and price must be strings of at most 8 decimals"
        return
    counted = (Decimal(str(quantity)) * Decimal(str(price))).quantize(CENT, ROUND_HALF_UP)
    charged = amount + tax if line.get("priceIncludesTax") is True else amount
    if abs(counted - charged) > AMOUNT_SLACK:
        yield f"quantity by price is {counted}, charged {charged}"
