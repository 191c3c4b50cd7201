"""Loads models without the libraries' progress bars and warnings."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Inside the block the libraries show no progress bars and log only errors."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    for library in (diffusers_logging, transformers_logging):
        library.disable_progress_bar()
    try:
        yield
    finally:
        logging.disable(before)
        for library in (diffusers_logging, transformers_logging):
            library.enable_progress_bar()
