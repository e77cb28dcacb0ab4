import json

from local.durable.events import named

EVENT = {"Source": "aws.s3", "EventId": "new", "Detail": json.dumps({"object": {"key": "uploads/t/m/f", "size": 3}})}


def delivered(**options):
    return {"id": "first", "time": "2026-01-01T00:00:00Z", "options": options}


def test_an_event_of_a_versioned_bucket_names_the_version():
    told = named(EVENT, delivered(version_id="v1"))
    assert json.loads(told["Detail"]) == {"object": {"key": "uploads/t/m/f", "size": 3, "version-id": "v1"}}
    assert "version-id" not in EVENT["Detail"]


def test_every_try_has_the_id_and_the_time_of_the_first():
    told = named(EVENT, delivered())
    assert (told["EventId"], told["Time"]) == ("first", "2026-01-01T00:00:00Z")


def test_other_events_stay_as_they_are():
    assert named({"Source": "mine"}, delivered()) == {"Source": "mine"}
    assert named(EVENT, None) is EVENT
