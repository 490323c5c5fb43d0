"""What the demo's tax cloud knows: invoices, confirmations of red ones, files.

It is told by its record, a line of JSON for each thing it did, so that stopping it forgets nothing.
With `strict` a Request-ID that it has seen gets its first answer and has no second effect. Without,
it is the worst of gateways, which issues again whatever it is asked again: then it is the sender's
care alone that makes one invoice of one Request-ID.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

from pg_artery.demo import paper
from pg_artery.demo.tax_rules import REASONS, TOTALS, faults, money

Doc = dict[str, Any]
Answer = tuple[int, Doc]

CHINA = timezone(timedelta(hours=8))
CONTENT_TYPES = {"pdf": "application/pdf", "ofd": "application/ofd", "xml": "application/xml"}


class TaxCloud:
    """Takes requests and tells what became of them; safe between threads.

    :param record: what it has done, read again at the start; null = in memory
    """

    def __init__(self, record: Path | None = None, strict: bool = True) -> None:
        self.strict = strict
        self.lock = threading.RLock()
        #: every request for an invoice or a confirmation, by its Request-ID
        self.posts: Counter[str] = Counter()
        #: (Request-ID, answer), oldest first: each took effect
        self.invoices: list[tuple[str, Doc]] = []
        self.confirmations: list[tuple[str, Doc]] = []
        self._first: dict[str, tuple[str, Answer]] = {}
        self._asked: dict[str, Doc] = {}  # invoice number -> its request
        if record is not None and record.exists():
            for line in record.read_text().splitlines():
                self._remember(**json.loads(line))
        self._file = record.open("a") if record is not None else None

    # -- invoices -------------------------------------------------------------------------------

    def issue(self, request_id: str, body: bytes) -> Answer:
        """Issue an invoice, or say all that is wrong with the request."""
        return self._once("invoice", request_id, body, self._issue)

    def _issue(self, request_id: str, invoice: Doc) -> Answer:
        found = faults(invoice, request_id)
        if self.strict and any(a["orderNo"] == invoice.get("orderNo") for _, a in self.invoices):
            found.append("orderNo: an invoice of this number was issued before")
        if invoice.get("color") == "red":
            found += self._red_faults(invoice)
        if found:
            return _refusal("E1042", found, invoice)
        number = f"24312{len(self.invoices) + 1:015}"
        answer = {
            "status": "issued",
            "requestId": request_id,
            "orderNo": invoice["orderNo"],
            "invoiceNo": number,
            "invoiceCode": None,
            "issuedAt": datetime.now(CHINA).isoformat(timespec="seconds"),
            "sellerTaxNo": invoice["seller"]["taxNo"],
            "buyerName": invoice["buyer"]["name"],
            "buyerTaxNo": invoice["buyer"].get("taxNo"),
            **{name: invoice[name] for name in TOTALS},
        }
        self._asked[number] = invoice
        files = {kind: self._content(answer, kind) for kind in CONTENT_TYPES}
        answer["files"] = [
            {
                "kind": kind,
                "path": f"/invoices/{number}/files/{kind}",
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for kind, content in files.items()
        ]
        return 200, answer

    def _red_faults(self, invoice: Doc) -> list[str]:
        red = invoice.get("red") or {}
        number = red.get("confirmationNo")
        found = [c for _, c in self.confirmations if c["confirmationNo"] == number]
        if not found or found[-1]["status"] != "confirmed":
            return [f"red.confirmationNo {number}: not confirmed"]
        asked = found[-1]
        return [
            f"{name} is not what was confirmed"
            for name, said, meant in (
                ("red.originalInvoiceNo", red.get("originalInvoiceNo"), asked["originalInvoiceNo"]),
                ("red.reason", red.get("reason"), asked["reason"]),
                *((name, invoice.get(name), asked[name]) for name in TOTALS),
            )
            if said != meant
        ] + ["red.confirmationNo was used before" for a in asked["usedBy"] if a]

    # -- confirmations --------------------------------------------------------------------------

    def confirm(self, request_id: str, body: bytes, status: str = "confirmed") -> Answer:
        """Take the request for a red letter's confirmation.

        :param status: waiting = the buyer has to confirm it yet, see `settle`
        """

        def take(request_id: str, asked: Doc) -> Answer:
            found = self._confirmation_faults(request_id, asked)
            if found:
                return _refusal("E2042", found, asked)
            answer = {
                "status": status,
                "requestId": request_id,
                "orderNo": asked["orderNo"],
                "confirmationNo": f"31{len(self.confirmations) + 1:018}",
                "originalInvoiceNo": asked["originalInvoiceNo"],
                "reason": asked["reason"],
                **{name: asked[name] for name in TOTALS},
                "usedBy": [],
            }
            return (202 if status == "waiting" else 200), answer

        return self._once("confirmation", request_id, body, take)

    def _confirmation_faults(self, request_id: str, asked: Doc) -> list[str]:
        found = []
        if asked.get("requestId") != request_id:
            found.append("requestId is not the X-Request-ID")
        if asked.get("reason") not in REASONS:
            found.append("reason must be one of " + ", ".join(REASONS))
        original = asked.get("originalInvoiceNo")
        blue = self._asked.get(str(original))
        if blue is None or blue["color"] != "blue":
            return [*found, f"originalInvoiceNo {original}: no blue invoice of this number"]
        for name in TOTALS:
            value = money(asked, name)
            taken = sum(
                Decimal(c[name])
                for _, c in self.confirmations
                if c["originalInvoiceNo"] == original and c["status"] in ("confirmed", "waiting")
            )
            if value is None or (value >= 0 and name != "totalTax"):
                found.append(f"{name} must be a string of two decimals, below zero")
            elif Decimal(blue[name]) + taken + value < 0:
                found.append(f"{name}: only {Decimal(blue[name]) + taken} of the blue one is left")
        return found

    def settle(self, request_id: str, status: str) -> None:
        """Let the buyer decide: confirmed or refused."""
        with self.lock:
            if any(r == request_id and c["status"] == "waiting" for r, c in self.confirmations):
                self._keep("status", request_id, {}, 200, {"now": status})

    def withdraw(self, request_id: str, body: bytes) -> Answer:
        """Take a confirmation back that no red invoice has used."""
        return self._once("withdrawal", request_id, body, self._withdraw)

    def _withdraw(self, _request_id: str, asked: Doc) -> Answer:
        for confirmed_by, confirmation in self.confirmations:
            if confirmed_by == asked.get("confirmationRequestId"):
                if confirmation["usedBy"]:
                    return _refusal("E2050", ["a red invoice has used it"], asked)
                self._keep("status", confirmed_by, {}, 200, {"now": "withdrawn"})
                return 200, dict(confirmation)
        return 404, {"title": "no such confirmation"}

    # -- questions ------------------------------------------------------------------------------

    def known(self, what: str, request_id: str) -> Answer:
        """Tell what became of a Request-ID: the last effect it had, or 404."""
        with self.lock:
            effects = {"invoices": self.invoices, "red-confirmations": self.confirmations}
            found = [answer for known, answer in effects.get(what, []) if known == request_id]
            if found:
                return 200, dict(found[-1])
            first = self._first.get(request_id)
            return (200, first[1][1]) if first else (404, {"title": "unknown Request-ID"})

    def file(self, number: str, kind: str) -> tuple[bytes, str] | None:
        """Give a file of an invoice and its digest as RFC 9530 writes it; null = there is none."""
        with self.lock:
            answers = [a for _, a in self.invoices if a["invoiceNo"] == number]
            if not answers or kind not in CONTENT_TYPES:
                return None
            content = self._content(answers[0], kind)
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return content, f"sha-256=:{digest}:"

    def _content(self, answer: Mapping[str, Any], kind: str) -> bytes:
        invoice = self._asked[answer["invoiceNo"]]
        if kind != "pdf":
            fields = {name: str(answer[name]) for name in ("invoiceNo", "issuedAt", *TOTALS)}
            fields |= {"sellerTaxNo": answer["sellerTaxNo"], "buyerName": answer["buyerName"]}
            return paper.xml(fields) if kind == "xml" else paper.ofd(fields)
        return paper.pdf([
            "ELECTRONIC INVOICE" + (" (RED LETTER)" if invoice["color"] == "red" else ""),
            f"Invoice No.  {answer['invoiceNo']}",
            f"Issued       {answer['issuedAt']}",
            f"Seller       {invoice['seller']['name']}  {answer['sellerTaxNo']}",
            f"Buyer        {answer['buyerName']}  {answer['buyerTaxNo'] or ''}",
            "",
            *(
                f"{line['lineNo']:>3}  {line['name']}   {line.get('quantity') or ''}"
                f" {line.get('unit') or ''}   {line['amount']}   tax {line['tax']}"
                for line in invoice["lines"][:40]
            ),
            "",
            f"Amount {answer['totalAmount']}   Tax {answer['totalTax']}   "
            f"Total {invoice.get('currency', '')} {answer['totalWithTax']}",
        ])  # fmt: skip

    # -- the record -----------------------------------------------------------------------------

    def _once(self, kind: str, request_id: str, body: bytes, decide: Any) -> Answer:
        digest = hashlib.sha256(body).hexdigest()
        with self.lock:
            self.posts[request_id] += 1
            first = self._first.get(request_id)
            if first is not None and self.strict:
                if first[0] != digest:
                    return 422, {"title": "Request-ID used before with another body"}
                return first[1]
            asked = json.loads(body)
            status_code, answer = decide(request_id, asked)
            self._keep(kind, request_id, asked, status_code, answer, digest)
            return status_code, answer

    def _keep(
        self, kind: str, request_id: str, asked: Doc, status_code: int, answer: Doc,
        digest: str = "",
    ) -> None:  # fmt: skip
        entry: Doc = {"kind": kind, "request_id": request_id, "asked": asked, "digest": digest,
                 "status_code": status_code, "answer": answer}  # fmt: skip
        self._remember(**entry)
        if self._file is not None:
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def _remember(
        self, kind: str, request_id: str, asked: Doc, status_code: int, answer: Doc, digest: str
    ) -> None:
        if kind == "status":
            for known, confirmation in self.confirmations:
                if known == request_id:
                    confirmation["status"] = answer["now"]
            return
        self._first.setdefault(request_id, (digest, (status_code, answer)))
        if kind == "confirmation" and "confirmationNo" in answer:
            self.confirmations.append((request_id, answer))
        elif kind == "invoice" and answer["status"] == "issued":
            self.invoices.append((request_id, answer))
            self._asked[answer["invoiceNo"]] = asked
            used = (asked.get("red") or {}).get("confirmationNo")
            for _, confirmation in self.confirmations:
                if used is not None and confirmation["confirmationNo"] == used:
                    confirmation["usedBy"].append(answer["invoiceNo"])


def _refusal(code: str, found: list[str], asked: Doc) -> Answer:
    return 422, {
        "status": "failed", "code": code, "message": "; ".join(found),
        "requestId": asked.get("requestId"), "orderNo": asked.get("orderNo"),
    }  # fmt: skip
