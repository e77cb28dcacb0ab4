from datetime import UTC, datetime, timedelta

import pytest

from aimass.adapters.aws.sweeper import DynamoSweepProgress, S3ArtifactSweeper
from aimass.domain.clock import written

A, B = "a" * 64, "b" * 64
TOMORROW = written(datetime.now(UTC) + timedelta(days=1))
YESTERDAY = written(datetime.now(UTC) - timedelta(days=1))


@pytest.fixture
def sweeper(artifacts):
    for key in (f"t/sha256/{A}", f"t/sha256/{B}", f"u/sha256/{A}", "t/sha256/notes.txt", f"t/md5/{A}"):
        artifacts._client.put_object(Bucket="artifacts", Key=f"artifacts/{key}", Body=b"x")
    artifacts._client.put_object(Bucket="artifacts", Key=f"elsewhere/t/sha256/{A}", Body=b"x")
    return S3ArtifactSweeper(artifacts._client, "artifacts")


def test_artifacts_of_all_tenants_are_listed_and_nothing_else(sweeper):
    assert list(sweeper.older_than(TOMORROW)) == [("t", A), ("t", B), ("u", A)]


def test_what_was_stored_since_is_left_out(sweeper):
    assert list(sweeper.older_than(YESTERDAY)) == []


def test_a_listing_goes_on_after_any_artifact_there_or_not(sweeper):
    sweeper.delete("t", A)
    assert list(sweeper.older_than(TOMORROW, f"t/{A}")) == [("t", B), ("u", A)]
    assert list(sweeper.older_than(TOMORROW, f"u/{A}")) == []


def test_a_deleted_artifact_can_still_be_undone(sweeper):
    sweeper.delete("t", A)
    assert ("t", A) not in list(sweeper.older_than(TOMORROW))
    versions = sweeper._client.list_object_versions(Bucket="artifacts", Prefix=f"artifacts/t/sha256/{A}")["Versions"]
    assert len(versions) == 1


def test_progress_is_kept_from_run_to_run(registry):
    progress = DynamoSweepProgress(registry._client, "table")
    assert progress.read() == ("", None)
    for place in (("2026-01-01", f"t/{A}"), ("2026-01-01", ""), ("2026-01-02", None)):
        progress.keep(*place)
        assert progress.read() == place
