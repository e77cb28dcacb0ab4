import json

from local.ministack_hooks import with_version


def test_an_event_of_a_versioned_bucket_names_the_version():
    event = {"Source": "aws.s3", "Detail": json.dumps({"object": {"key": "uploads/t/m/f", "size": 3}})}
    told = json.loads(with_version(event, "v1")["Detail"])
    assert told == {"object": {"key": "uploads/t/m/f", "size": 3, "version-id": "v1"}}
    assert "version-id" not in event["Detail"]
