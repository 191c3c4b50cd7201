"""One worker as the driver sees it, and what its death means for its order."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from search.workers.messages import Answer, Order

UNBEGUN = 2
"""How often an order is handed out again because its worker was dead before it began."""


class WorkerDied(Exception):  # noqa: N818
    """A worker died; the message says how.

    Args:
        begun: whether it may have begun its order. One that had not did not die of it.
    """

    def __init__(self, message: str, begun: bool = True) -> None:
        super().__init__(message)
        self.begun = begun


class Deaths:
    """Deaths of the workers that had one order."""

    def __init__(self) -> None:
        self._counted: Counter[bool] = Counter()

    def again(self, death: WorkerDied, retries: int) -> bool:
        """Whether the order is handed out again.

        Args:
            retries: how many workers may die after they have begun it.
        """
        self._counted[death.begun] += 1
        return self._counted[death.begun] <= (retries if death.begun else UNBEGUN)


class Worker(Protocol):
    """One worker, as the driver sees it. Its first answer says that it is ready, or why it never
    will be; then it answers one order at a time, before that perhaps that it has begun."""

    def send(self, order: Order) -> bool:
        """Send an order. Returns whether the worker was there to take it."""
        ...

    def receive(self) -> Answer:
        """Wait for the next answer.

        Raises:
            WorkerDied: there will be none.
        """
        ...

    def stop(self) -> None:
        """End the worker, whatever it is doing."""
        ...
