import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from local.runtime.credentials import SESSION_SECONDS, RoleSessions
from local.runtime.function import Function

ENDS = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


class Sts:
    def __init__(self):
        self.asked = []

    def assume_role(self, **asked):
        self.asked.append(asked)
        number = len(self.asked)
        made = {"AccessKeyId": f"A{number}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": ENDS}
        return {"Credentials": made}


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def function(name):
    return Function(name, f"arn:{name}", f"role:{name}", "handler.handler", 128, 3, Path())


def keys(sessions, *names):
    async def ask():
        return await asyncio.gather(*(sessions(function(name)) for name in names))

    return [json.loads(document)["AccessKeyId"] for document in asyncio.run(ask())]


def test_credentials_are_what_an_sdk_reads_from_a_container():
    document = asyncio.run(RoleSessions(Sts().assume_role)(function("api")))
    assert json.loads(document) == {
        "AccessKeyId": "A1",
        "SecretAccessKey": "s",
        "Token": "t",
        "Expiration": "2026-11-21T12:30:00Z",
    }


def test_the_session_is_of_the_functions_own_role_and_carries_its_name():
    sts = Sts()
    keys(RoleSessions(sts.assume_role), "api")
    assert sts.asked == [{"RoleArn": "role:api", "RoleSessionName": "api", "DurationSeconds": SESSION_SECONDS}]


def test_a_function_has_one_session_whoever_asks():
    sessions = RoleSessions(Sts().assume_role)
    assert keys(sessions, "api", "api", "predict", "api") == ["A1", "A1", "A2", "A1"]


def test_a_session_is_replaced_at_half_of_its_life():
    clock = Clock()
    sessions = RoleSessions(Sts().assume_role, clock)
    assert keys(sessions, "api") == ["A1"]
    clock.now += SESSION_SECONDS / 2 - 1
    assert keys(sessions, "api") == ["A1"]
    clock.now += 1
    assert keys(sessions, "api") == ["A2"]
