"""The rules of the posting once more, in Python, as plainly as they can be said: one at a time.

Numbers are fractions; a report either fits whole or changes nothing.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from fractions import Fraction

SCALE = 10**8


def round_up(value: Fraction) -> Fraction:
    """At eight places, upwards."""
    return Fraction(math.ceil(value * SCALE), SCALE)


@dataclass
class Line:
    number: int
    item: str
    warehouse: str
    quantity: Fraction  # for one piece, scrap included
    substitutes: list[tuple[str, Fraction]]
    issued: Fraction = Fraction(0)


@dataclass
class Order:
    item: str
    limit: Fraction
    lines: list[Line]
    good: Fraction = Fraction(0)
    scrap: Fraction = Fraction(0)


@dataclass
class Posted:
    order: str
    good: int
    scrap: int
    moves: list[tuple[str, str, str, Fraction]]  # item, warehouse, lot, change
    covered: dict[int, Fraction]
    reversed: bool = False


Lot = tuple[str, str, str]  # item, warehouse, lot; "" = without


@dataclass
class Books:
    """Stock, orders, reports; what waits stays in `waiting`."""

    orders: dict[str, Order]
    stock: dict[Lot, Fraction] = field(default_factory=dict)
    age: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)  # of a lot, to sort
    posted: dict[str, Posted] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)

    def receive(self, item: str, warehouse: str, lot: str, quantity: int, expires: int) -> None:
        self.age.setdefault((item, lot), (expires, len(self.age)))
        key = (item, warehouse, lot)
        self.stock[key] = self.stock.get(key, Fraction(0)) + quantity

    def _take(self, item: str, warehouse: str, want: Fraction) -> list[tuple[Lot, Fraction]]:
        lots = [k for k, q in self.stock.items() if k[:2] == (item, warehouse) and q > 0]
        lots.sort(key=lambda k: (*self.age.get((item, k[2]), (0, 0)), k[2]))
        taken = []
        for key in lots:
            part = min(want, self.stock[key])
            if part > 0:
                taken.append((key, part))
                want -= part
        return taken

    def report(self, name: str, number: str, good: int, scrap: int) -> str:
        """Post a report; gives what becomes of it."""
        trial = copy.deepcopy(self)
        state = trial._report(name, number, good, scrap)
        if state == "processed":
            self.__dict__ = trial.__dict__
        self.states[name] = state
        return state

    def _report(self, name: str, number: str, good: int, scrap: int) -> str:
        order = self.orders[number]
        if good > 0 and order.good + good > order.limit:
            return "rejected"
        order.good += good
        order.scrap += scrap
        done = Posted(number, good, scrap, [], {})
        short = False
        for line in order.lines:
            need = round_up((order.good + order.scrap) * line.quantity) - line.issued
            choices = [(line.item, Fraction(1)), *line.substitutes]
            for item, ratio in choices:
                if need <= 0:
                    break
                want = need if ratio == 1 and item == line.item else round_up(need * ratio)
                taken = self._take(item, line.warehouse, want)
                for key, part in taken:
                    want -= part
                    covers = (
                        need if want == 0 else Fraction(math.floor(part / ratio * SCALE), SCALE)
                    )
                    need -= covers
                    self.stock[key] -= part
                    done.moves.append((*key, -part))
                    done.covered[line.number] = done.covered.get(line.number, 0) + covers
                    line.issued += covers
            short = short or need > 0
        if short:
            return "parked"
        if good:
            key = (order.item, "FG", "")
            self.stock[key] = self.stock.get(key, Fraction(0)) + good
            done.moves.append((*key, Fraction(good)))
        self.posted[name] = done
        return "processed"

    def reverse(self, name: str, target: str) -> str:
        """Take a report back; gives what becomes of that."""
        done = self.posted.get(target)
        if done is None or done.reversed:
            state = "rejected"
        elif any(self.stock[m[:3]] - m[3] < 0 for m in done.moves if m[3] > 0):
            state = "parked"
        else:
            state = "processed"
            for item, warehouse, lot, change in done.moves:
                self.stock[item, warehouse, lot] -= change
            order = self.orders[done.order]
            order.good -= done.good
            order.scrap -= done.scrap
            for line in order.lines:
                line.issued -= done.covered.get(line.number, 0)
            done.reversed = True
        self.states[name] = state
        return state
