"""Whether the promise held: the database's record against the MES's, each read on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pg_artery.demo.record import Receipt

Row = dict[str, Any]
Version = tuple[str, int]


@dataclass(frozen=True)
class Ledger:
    """What the two sides know.

    told: versions of orders whose transactions the application saw committed. orders, tasks,
    dispatches, calls: the database's. receipts: the MES's own record, oldest first.
    """

    told: Sequence[Version]
    orders: Sequence[Row]
    tasks: Sequence[Row]
    dispatches: Sequence[Row]
    calls: Sequence[Row]
    receipts: Sequence[Receipt]

    @property
    def figures(self) -> dict[str, int]:
        """The numbers that must agree, and the repeats between them."""
        return {
            "released": len(self.told),
            "sent": sum(task["status"] == "sent" for task in self.tasks),
            "received": len({receipt.request_id for receipt in self.receipts}),
            "receipts": len(self.receipts),
            "repeats": sum(receipt.replayed for receipt in self.receipts),
            "effects_of_repeats": sum(r.replayed and r.effect for r in self.receipts),
        }

    def checks(self) -> dict[str, bool]:
        """Tell of each claim whether it holds."""
        sent = {task["request_id"] for task in self.tasks if task["status"] == "sent"}
        asked = {task["request_id"]: task["sha256"] for task in self.tasks}
        effects = Counter(r.request_id for r in self.receipts if r.effect)
        logged = {call["request_id"]: call["sent"] for call in self.calls}
        acknowledged = {
            (d["mo_no"], d["version"], d["request_id"], d["mes_order_no"])
            for d in self.dispatches
            if d["status"] == "acknowledged"
        }
        return {
            "something was released": len(self.told) > 0,
            "each version that the ERP committed is one task": sorted(self.told)
            == sorted((task["mo_no"], task["version"]) for task in self.tasks)
            == sorted((o["mo_no"], v + 1) for o in self.orders for v in range(o["version"])),
            "every task was sent": len(sent) == len(self.tasks),
            "what was sent is what the MES received, by Request-ID": sent
            == {receipt.request_id for receipt in self.receipts},
            "byte for byte": all(r.sha256 == asked.get(r.request_id) for r in self.receipts),
            "no Request-ID took effect twice": max(effects.values(), default=0) <= 1
            and not any(r.effect and r.replayed for r in self.receipts),
            "the versions of an order arrived in their order": self._in_order(),
            "the ERP has each acknowledgement of the MES, and no other": acknowledged
            == {
                (r.mo_no, r.version, r.request_id, r.answer["mes_order_no"])
                for r in self.receipts
                if r.effect
            },
            "the MES's orders are the ERP's": self._latest()
            == {o["mo_no"]: (o["version"], o["quantity"]) for o in self.orders},
            "each delivery is in the cloud log, once": logged == dict.fromkeys(sent, 1),
        }

    def _in_order(self) -> bool:
        firsts = [r for r in self.receipts if not r.replayed]
        by_order: dict[str, list[int]] = {}
        for receipt in firsts:
            by_order.setdefault(receipt.mo_no, []).append(receipt.version)
        return all(a < b for versions in by_order.values() for a, b in pairwise(versions))

    def _latest(self) -> dict[str, tuple[int, str]]:
        return {r.mo_no: (r.version, r.quantity) for r in self.receipts if r.effect}
