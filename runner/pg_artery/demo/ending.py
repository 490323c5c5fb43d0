"""The end of the demo: the proof, and what is left if it is kept."""

from __future__ import annotations

import shutil

from pg_artery.demo.invoices import prove_invoices
from pg_artery.demo.proof import Ledger
from pg_artery.demo.report import Report
from pg_artery.demo.stage import Stage


def prove(stage: Stage, out: Report) -> bool:
    """Compare the two sides; gives whether all of it holds."""
    out.act("The proof")
    ledger = Ledger(
        told=stage.told,
        orders=stage.look("ledger_versions"),
        tasks=stage.look("ledger_tasks"),
        dispatches=stage.look("ledger_dispatches"),
        calls=stage.look("ledger_calls"),
        receipts=stage.mes.receipts,
    )
    out.say("select … from artery_mes.mo_dispatch_status:")
    show_orders(stage, out, None, "status", "version", "mes_status", "acknowledged_version",
                 "mes_order_no", "task_status", "attempts")  # fmt: skip
    checks, figures = ledger.checks(), ledger.figures
    checks["stock moves add up to the balances"] = stage.look("reconciliation") == []
    checks |= prove_invoices(stage)
    checks["artery_monitor.verify() has nothing to say"] = stage.look("violations") == []
    out.table("checks", [{"claim": claim, "holds": holds} for claim, holds in checks.items()])
    equal = figures["released"] == figures["sent"] == figures["received"]
    holds = equal and figures["effects_of_repeats"] == 0 and all(checks.values())
    out.fact("figures", figures)
    out.data["figures"], out.data["holds"] = figures, holds
    out.say("By the database and by the MES's own record:")
    out.verdict(
        holds,
        f"released {figures['released']} {'=' if equal else '≠'} sent {figures['sent']} "
        f"{'=' if equal else '≠'} received {figures['received']};  "
        f"{figures['repeats']} sent again, {figures['effects_of_repeats']} took effect again.  "
        + ("It holds." if holds else "IT DOES NOT HOLD."),
    )
    return holds


def keep(stage: Stage, out: Report) -> None:
    """Leave the database up, and say how to reach it and how to end it."""
    psql = shutil.which("psql") or str(stage.cluster.server.program("psql"))
    psql += f" '{stage.dsn}'"
    path = stage.cluster.detach()
    remove = f"artery demo --remove {path}"
    out.data["kept"] = {"directory": str(path), "psql": psql, "remove": remove}
    out.say(f"\nThe database stays up (the MES and the runner are gone):\n  {psql}")
    out.say(f"The logs and the MES's record are in {path}/demo. To remove all of it:\n  {remove}")


def show_orders(stage: Stage, out: Report, orders: list[str] | None, *columns: str) -> None:
    """Show columns of artery_mes.mo_dispatch_status; None takes all orders ever released."""
    rows = stage.look("dispatch_status", orders=orders)
    out.table("orders", [{name: row[name] for name in ("mo_no", *columns)} for row in rows])
