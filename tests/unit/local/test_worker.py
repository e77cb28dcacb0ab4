from pathlib import Path

from local.runtime.channel import READY, RESULT
from local.runtime.function import Function
from local.runtime.result import failure
from local.runtime.worker import Worker

FUNCTION = Function("predict", "arn", "role", "handler.handler", 1769, 29, Path("/"))


class Owner:
    def __init__(self):
        self.told = []

    def ready(self, worker):
        self.told.append("ready")

    def ended(self, worker, never_began):
        self.told.append("ended")


def test_what_a_worker_says_after_it_was_killed_makes_it_no_more_ready():
    owner = Owner()
    worker = Worker(FUNCTION, None, owner)
    worker._heard(READY, b"", 0)
    assert owner.told == ["ready"]
    worker.kill(failure("Runtime.OutOfMemory", "too much"))
    worker._heard(RESULT, b"{}", 2)
    assert owner.told == ["ready"]
