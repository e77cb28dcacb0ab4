"""Our signatures are those of botocore."""

import calendar
import time

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from aimass.adapters.aws.signed.signature import Call, Keys, Scope, signed_headers

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKENS = [None, "a/session+token=="]


def theirs(kind, call, scope, keys):
    request = AWSRequest(call.method, f"https://{call.host}{call.path}", dict(call.headers), call.body)
    request.context["payload_signing_enabled"] = True
    kind(Credentials(keys.access, keys.secret, keys.token), scope.service, scope.region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def moment_of(headers):
    return calendar.timegm(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))


@pytest.mark.parametrize("token", TOKENS)
@given(body=st.binary(max_size=50))
def test_a_call_of_dynamodb_is_signed_as_botocore_signs_it(token, body):
    keys, scope = Keys("AKID", SECRET, token), Scope("dynamodb", "eu-central-1")
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
    call = Call("POST", "dynamodb.eu-central-1.amazonaws.com", "/", headers, body)
    expected = theirs(SigV4Auth, call, scope, keys)
    ours = signed_headers(call, scope, keys, moment_of(expected))
    assert ours["authorization"] == expected["authorization"]
    assert ours.get("x-amz-security-token") == token


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("path", ["/artifacts/acme/sha256/ab12", "/bucket/artifacts/a%20tenant%C3%A9/sha256/0"])
def test_a_call_of_s3_is_signed_as_botocore_signs_it(token, path):
    keys, scope = Keys("AKID", SECRET, token), Scope("s3", "us-east-1")
    call = Call("GET", "artifacts.s3.us-east-1.amazonaws.com", path, {}, b"")
    expected = theirs(S3SigV4Auth, call, scope, keys)
    ours = signed_headers(call, scope, keys, moment_of(expected))
    assert ours["authorization"] == expected["authorization"]
    assert ours["x-amz-content-sha256"] == expected["x-amz-content-sha256"]


def test_keys_do_not_show_what_is_secret():
    assert SECRET not in repr(Keys("AKID", SECRET, "token-of-a-session"))
    assert "token-of-a-session" not in repr(Keys("AKID", SECRET, "token-of-a-session"))
