"""Errors for which only a trial's schedule is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dato import DatoError
from search.errors import TrialError
from search.model.out_of_memory import is_out_of_memory


@contextmanager
def trial_errors() -> Iterator[None]:
    """Turn errors for which only this schedule is to blame into :class:`TrialError`."""
    try:
        yield
    except DatoError as error:
        raise TrialError(str(error)) from error
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise TrialError(f"Out of memory: {error}. Lower model.batch_size.") from error
