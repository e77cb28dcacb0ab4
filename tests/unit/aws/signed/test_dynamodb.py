import json

from aimass.adapters.aws.registry import DynamoModelRegistry
from aimass.adapters.aws.signed.dynamodb import SignedDynamoDb
from tests.unit.aws.signed.fakes import Service


def no_sdk():
    raise AssertionError("no SDK is needed")


def test_a_read_goes_out_as_dynamodb_documents_it():
    service = Service((200, b'{"Item": {"last_version": {"N": "6"}}}'))
    registry = DynamoModelRegistry(SignedDynamoDb(service.connection(), no_sdk), "table")
    assert registry.next_number("acme", "m") == 7
    [asked] = service.asked
    assert (asked.method, asked.path) == ("POST", "/")
    assert asked.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert json.loads(asked.body) == {
        "TableName": "table",
        "Key": {"PK": {"S": "T#acme"}, "SK": {"S": "MODEL#m"}},
        "ConsistentRead": True,
    }


def test_a_query_is_followed_page_by_page():
    pages = [
        {"Items": [{"number": {"N": "1"}}], "LastEvaluatedKey": {"SK": {"S": "VER#m#000001"}}},
        {"Items": [{"number": {"N": "2"}}]},
    ]
    service = Service(*((200, json.dumps(page).encode()) for page in pages))
    registry = DynamoModelRegistry(SignedDynamoDb(service.connection(), no_sdk), "table")
    assert list(registry.version_numbers("acme", "m")) == [1, 2]
    starts = [json.loads(asked.body).get("ExclusiveStartKey") for asked in service.asked]
    assert starts == [None, {"SK": {"S": "VER#m#000001"}}]


def test_what_it_does_not_do_the_sdk_does():
    class Sdk:
        def transact_write_items(self, **request):
            return request

    client = SignedDynamoDb(Service().connection(), Sdk)
    assert client.transact_write_items(TransactItems=[]) == {"TransactItems": []}
