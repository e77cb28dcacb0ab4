import http.client

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.unit.aws.signed.fakes import Service

THROTTLED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}')
REFUSED = (400, b'{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table"}')
GONE = http.client.RemoteDisconnected("closed")


def call(service, name="dynamodb"):
    return service.connection(name).call("POST", "/", {}, b"{}", "GetItem")


def test_one_connection_serves_call_after_call():
    service = Service((200, b"1"), (200, b"2"))
    connection = service.connection()
    assert [connection.call("POST", "/", {}, b"", "GetItem") for _ in range(2)] == [b"1", b"2"]
    assert (service.opened, service.closed) == (1, 0)


def test_a_connection_that_closed_meanwhile_is_opened_anew_at_once():
    service = Service(GONE, (200, b"there"))
    assert call(service) == b"there"
    assert (service.opened, service.closed, service.waits) == (2, 1, [])


@pytest.mark.parametrize("passing", [THROTTLED, (500, b""), (503, b"<Code>SlowDown</Code>")])
def test_a_service_that_is_busy_is_asked_four_times_with_growing_waits(passing):
    service = Service(passing, passing, passing, (200, b"there"))
    assert call(service) == b"there"
    assert len(service.waits) == 3
    assert all(0.05 * 2**tries <= wait <= 0.1 * 2**tries for tries, wait in enumerate(service.waits))


def test_silence_is_not_waited_for_longer_than_an_authorizer_lives():
    service = Service(*[TimeoutError("silent")] * 4, silence=2.0)
    with pytest.raises(BotoCoreError, match="silent"):
        call(service)
    assert len(service.asked) == 2
    assert service.now < 5


@pytest.mark.parametrize("body", [b"{", b"{]"])
def test_an_error_that_cannot_be_read_has_its_status_as_code(body):
    with pytest.raises(ClientError) as told:
        call(Service((403, body)))
    assert told.value.response["Error"]["Code"] == "403"


def test_each_try_is_signed_anew():
    service = Service((500, b""), (200, b""))
    call(service)
    assert all("authorization" in asked.headers for asked in service.asked)


def test_what_stays_unreachable_is_an_error_of_botocores():
    with pytest.raises(BotoCoreError, match="refused"):
        call(Service(*[ConnectionRefusedError("refused")] * 4))


def test_what_stays_busy_is_told_as_the_service_tells_it():
    with pytest.raises(ClientError) as told:
        call(Service(*[THROTTLED] * 4))
    assert told.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"


def test_what_a_service_refuses_is_asked_once():
    service = Service(REFUSED)
    with pytest.raises(ClientError) as told:
        call(service)
    assert told.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert told.value.operation_name == "GetItem"


def test_an_error_of_s3_has_its_code():
    document = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'
    with pytest.raises(ClientError) as told:
        call(Service((403, document)), "s3")
    assert told.value.response["Error"]["Code"] == "AccessDenied"
