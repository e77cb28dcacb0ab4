"""What all jobs do alike: read the order, work in a folder of their own, and say by the exit status how it ended."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from aimass.domain.errors import AimassError
from aimass.domain.leftovers import remove
from aimass.sandbox.isolation import Isolation
from aimass.sandbox.isolation_probe import close_shared_folders, isolation_in_force
from jobs.events import log
from jobs.order import OrderInvalid
from jobs.presigned import Presigned, TransferFailed

DELIVERED, TRY_AGAIN, HOPELESS = 0, 1, 2
Order = TypeVar("Order")


def run(name: str, parse: Callable[[bytes], Order], work: Callable[[Order, Presigned, Path], Mapping[str, Any]]) -> int:
    """Runs the order behind ORDER_URL and returns the exit status.

    `work` has an empty folder, which goes with the job, and returns what the log says of what it delivered.
    """
    s3 = Presigned()
    # From the environment alone: a command line can be read by the sandboxed child, our environment can't.
    order_url = os.environ.pop("ORDER_URL", "")
    if not order_url:
        log("failed", reason="ORDER_URL is not set")
        return HOPELESS
    signal.signal(signal.SIGTERM, _stopped)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=os.environ.get("SCRATCH")))
    try:
        delivered = work(parse(s3.read("the order", order_url)), s3, folder)
    except TransferFailed as error:
        log("failed", reason=str(error))
        return TRY_AGAIN
    except (OrderInvalid, AimassError) as error:  # it comes again, after as long
        log("failed", reason=str(error), notes=getattr(error, "__notes__", []))
        return HOPELESS
    finally:
        remove(folder)
    log("delivered", **delivered)
    return DELIVERED


def _stopped(number: int, _: object) -> NoReturn:
    """Ends the job so that its folder and its child go with it."""
    sys.exit(128 + number)


def strongest_isolation() -> Isolation:
    """What holds children here. In a container of the job's own, folders that all users share are closed first."""
    if os.environ.get("ALONE"):
        close_shared_folders()
    return isolation_in_force()


def childs_folder(folder: Path) -> Path:
    """One in the job's for a child, which may be another user: it passes through the job's, and sees nothing there."""
    folder.chmod(0o711)
    within = folder / "child"
    within.mkdir(mode=0o700)
    return within


class Progress:
    """Tells once of each phase, by its presigned URL. No job fails for want of it."""

    def __init__(self, urls: Mapping[str, str], s3: Presigned) -> None:
        self._left, self._s3 = dict(urls), s3

    def tell(self, phase: str) -> None:
        if url := self._left.pop(phase, None):
            try:
                self._s3.touch(phase, url)
            except TransferFailed as error:
                log("progress lost", reason=str(error))
