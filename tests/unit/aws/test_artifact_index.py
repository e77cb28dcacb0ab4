"""What an artifact index does: the one on DynamoDB, and the one that the sweep's tests use."""

import pytest

from aimass.adapters.aws.artifact_index import DynamoArtifactIndex
from aimass.domain.clock import later
from aimass.domain.errors import ArtifactBusy
from tests.unit.usecases.sweeping import Clock, MemoryIndex

A, B = "a" * 64, "b" * 64


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["dynamodb", "memory"])
def index(request, clock):
    if request.param == "memory":
        return MemoryIndex(clock)
    registry = request.getfixturevalue("registry")
    return DynamoArtifactIndex(registry._client, registry._table, clock)


def hour_before(clock):
    return later(clock(), hours=-1)


def test_references_name_models_and_versions_whatever_characters_names_have(index):
    index.refer("t", "my.model-1_x", 7, [A, B])
    index.refer("t", "m", 999_999, [A])
    assert set(index.references("t", A)) == {("my.model-1_x", 7), ("m", 999_999)}
    assert index.references("t", B) == [("my.model-1_x", 7)]


def test_tenants_share_no_references(index):
    index.refer("t", "m", 1, [A])
    assert index.references("u", A) == []


def test_referring_twice_is_as_once_and_only_what_is_named_is_unreferred(index):
    for _ in range(2):
        index.refer("t", "m", 1, [A, A, B])
    index.unrefer("t", "m", 1, [A])
    index.unrefer("t", "m", 2, [B])
    assert (index.references("t", A), index.references("t", B)) == ([], [("m", 1)])


def test_a_model_of_more_files_than_one_transaction_takes_is_referred_to_whole(index):
    digests = [f"{number:064x}" for number in range(250)]
    index.refer("t", "m", 1, digests)
    assert index.references("t", digests[0]) == index.references("t", digests[-1]) == [("m", 1)]
    index.unrefer("t", "m", 1, digests)
    assert index.references("t", digests[-1]) == []


def test_what_was_wanted_within_the_grace_is_not_marked(index, clock):
    index.touch("t", A)
    assert not index.mark_deleting("t", A, hour_before(clock))
    assert not index.mark_deleting("t", A, clock())
    clock.advance(hours=2)
    assert index.mark_deleting("t", A, hour_before(clock))


def test_what_the_index_never_heard_of_can_be_marked(index, clock):
    assert index.mark_deleting("t", A, hour_before(clock))


def test_a_marked_artifact_is_busy_for_its_tenant_until_it_is_forgotten(index, clock):
    index.mark_deleting("t", A, hour_before(clock))
    with pytest.raises(ArtifactBusy):
        index.touch("t", A)
    index.touch("u", A)
    index.forget("t", A)
    index.touch("t", A)


def test_only_one_sweep_marks_an_artifact(index, clock):
    assert index.mark_deleting("t", A, hour_before(clock))
    assert not index.mark_deleting("t", A, hour_before(clock))


@pytest.mark.parametrize("take_over", ["touch", "sweep"])
def test_the_mark_of_a_sweep_that_died_is_taken_over_after_a_quarter_of_an_hour(index, clock, take_over):
    index.mark_deleting("t", A, hour_before(clock))
    clock.advance(minutes=14)
    with pytest.raises(ArtifactBusy):
        index.touch("t", A)
    clock.advance(minutes=1)
    if take_over == "sweep":
        assert index.mark_deleting("t", A, hour_before(clock))
    else:
        index.touch("t", A)
        index.touch("t", A)


def test_forgetting_leaves_what_was_wanted_again(index, clock):
    index.mark_deleting("t", A, hour_before(clock))
    clock.advance(minutes=15)
    index.touch("t", A)
    index.forget("t", A)
    assert not index.mark_deleting("t", A, hour_before(clock))


def test_forgetting_what_is_unknown_does_nothing(index):
    index.forget("t", A)
