import json

import pytest

from aimass.adapters.aws.signed.credentials import Credentials, NoCredentials, has_credentials

URI = "http://127.0.0.1:9001/credentials"
HOST = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": URI, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let me in"}
EXPIRES = 1_800_000_000  # 2027-01-15T08:00:00Z


class Host:
    def __init__(self):
        self.asked = []

    def __call__(self, uri, token):
        self.asked.append((uri, token))
        number = len(self.asked)
        told = {"AccessKeyId": f"AKID{number}", "SecretAccessKey": "s", "Token": "t"}
        return json.dumps(told | {"Expiration": "2027-01-15T08:00:00Z"}).encode()


def test_keys_in_the_environment_are_used_as_they_are():
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}
    keys = Credentials(environment, Host()).keys()
    assert (keys.access, keys.secret, keys.token) == ("a", "b", "c")


def test_the_functions_host_is_asked_once_and_again_ten_minutes_before_its_keys_expire():
    host, now = Host(), [EXPIRES - 3600.0]
    credentials = Credentials(HOST, host, lambda: now[0])
    assert [credentials.keys().access, credentials.keys().access] == ["AKID1", "AKID1"]
    assert host.asked == [(URI, "let me in")]
    now[0] = EXPIRES - 601.0
    assert credentials.keys().access == "AKID1"
    now[0] = EXPIRES - 600.0
    assert credentials.keys().access == "AKID2"


def test_what_a_restored_process_finds_in_its_environment_counts():
    environment, host = {}, Host()
    credentials = Credentials(environment, host)
    environment.update(HOST)
    assert credentials.keys().access == "AKID1"


@pytest.mark.parametrize("document", [b"", b"<html>", b"[]", b"null", b"{}", b'{"Expiration": "soon"}'])
def test_an_answer_that_is_no_document_of_keys_is_no_credentials(document):
    with pytest.raises(NoCredentials):
        Credentials(HOST, lambda uri, token: document).keys()


@pytest.mark.parametrize(
    ("environment", "there_are"),
    [
        (HOST, True),
        ({"AWS_ACCESS_KEY_ID": "a"}, True),
        ({}, False),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/credentials"}, False),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://127.0.0.1/credentials"}, False),
    ],
)
def test_only_keys_and_the_functions_own_host_are_credentials(environment, there_are):
    assert has_credentials(environment) is there_are
