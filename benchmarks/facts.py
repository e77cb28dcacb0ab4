"""What the stack acknowledged, and whether it still holds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

Holds = Callable[[], str | None]
About = tuple[str, str]  # a kind of thing, and which


@dataclass
class Fact:
    """`wrong` says what isn't as it was acknowledged, or None."""

    what: str
    wrong: Holds
    is_new: bool = True


class Ledger:
    """Facts by what they are about: a later one about the same thing stands for those before it.

    What is being changed without an answer yet has no fact: either outcome would be right.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: dict[About, Fact] = {}
        self.kinds: Counter[str] = Counter()

    @property
    def acknowledged(self) -> int:
        return self.kinds.total()

    def note(self, about: About, what: str, wrong: Holds) -> None:
        with self._lock:
            self.kinds[about[0]] += 1
            self._facts[about] = Fact(what, wrong)

    def changing(self, about: About) -> None:
        with self._lock:
            self._facts.pop(about, None)

    def check(self, choose: Callable[[list[Fact]], list[Fact]]) -> list[str]:
        """What was lost. New facts are always looked at, of the others those that `choose` picks."""
        with self._lock:
            facts = list(self._facts.values())
        chosen = [fact for fact in facts if fact.is_new] + choose([fact for fact in facts if not fact.is_new])
        lost = []
        for fact in chosen:
            wrong = fact.wrong()
            fact.is_new = False
            if wrong:
                lost.append(f"{fact.what}: {wrong}")
        return lost
