"""Pages, tags and texts of models, versions and jobs."""

import time
from dataclasses import replace

import pytest

from aimass.adapters.aws.items import item_of
from aimass.domain.clock import later, now
from aimass.domain.errors import Conflict, InvalidArguments, ModelNotFound, VersionNotReady
from aimass.domain.model import Model
from aimass.domain.names import parse_tag
from aimass.domain.ports import PageRequest
from aimass.usecases.models import delete_model, describe_model, list_models
from aimass.usecases.variants import change_version
from tests.unit.aws.test_registry import listed, ready, reserved

PAGE = PageRequest()


def walk(read, limit):
    token, found = None, []
    while True:
        page = read(PageRequest(limit, token))
        assert len(page.items) <= limit
        found += page.items
        token = page.next_token
        if token is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
def test_pages_put_together_are_the_whole_list(registry, limit):
    for number in range(1, 6):
        reserved(registry, number)
        reserved(registry, 1, model=f"model{number}", job_id=f"other-{number}")
    versions = walk(lambda page: registry.list_versions("t", "m", page, state=None, tag=None), limit)
    assert [one.number for one in versions] == [5, 4, 3, 2, 1]
    models = walk(lambda page: registry.list_models("t", page), limit)
    assert [one.name for one in models] == ["m", "model1", "model2", "model3", "model4", "model5"]
    assert len(walk(lambda page: registry.list_jobs("t", page, state=None, model=None), limit)) == 10


def test_a_token_opens_nothing_but_the_list_that_gave_it(registry):
    for number in (1, 2):
        reserved(registry, number)
    token = registry.list_jobs("t", PageRequest(1), state=None, model=None).next_token
    for wrong in (token, "nonsense", "é", "TU9ERUwj"[:3]):
        with pytest.raises(InvalidArguments, match="next_token"):
            registry.list_versions("t", "m", PageRequest(1, wrong), state=None, tag=None)


def test_a_filtered_page_goes_on_until_it_is_full(registry):
    ready(registry, 1)
    for number in range(2, 8):
        reserved(registry, number)
    found = registry.list_versions("t", "m", PageRequest(1), state="ready", tag=None)
    assert [one.number for one in found.items] == [1]


def test_a_summary_shows_size_variants_and_aliases_without_the_record(registry):
    done = ready(registry)
    (summary,) = listed(registry)
    assert (summary.size, summary.variant_names) == (done.variants[0].files.size, ("original",))


def test_models_are_found_by_their_tags(registry):
    for name, tags in (("a", {"team": "x", "kind": "cnn"}), ("b", {"team": "x"}), ("c", {"team": "y"})):
        reserved(registry, 1, model=name, job_id=name)
        describe_model(registry, "t", name, {"tags": tags})

    def found(*tags):
        page = list_models(registry, "t", PAGE, [parse_tag(tag) for tag in tags], deleted=False)
        return [one.name for one in page.items]

    assert found("team:x") == ["a", "b"]
    assert found("team:x", "kind:cnn") == ["a"]
    assert found("team:z") == []
    describe_model(registry, "t", "a", {"tags": {"team": "y"}})
    assert found("team:x") == ["b"]
    assert found("team:y") == ["a", "c"]
    delete_model(registry, "t", "a")
    assert found("team:y") == ["c"]


def test_what_is_not_named_stays(registry):
    ready(registry)
    describe_model(registry, "t", "m", {"description": "digits", "tags": {"a": "1"}})
    assert describe_model(registry, "t", "m", {"tags": {}}).description == "digits"
    change_version(registry, "t", "m", 1, {"label": "best", "notes": "trained twice"})
    described = change_version(registry, "t", "m", 1, {"tags": {"run": "7"}})
    assert (described.label, described.notes, described.tags) == ("best", "trained twice", {"run": "7"})
    assert registry.get_version("t", "m", 1) == described


def test_versions_are_found_by_tag(registry):
    for number in (1, 2):
        ready(registry, number)
    change_version(registry, "t", "m", 2, {"tags": {"run": "7"}})
    assert [one.number for one in listed(registry, tag=("run", "7"))] == [2]


def test_a_version_that_is_importing_is_described_once_it_has_ended(registry):
    reserved(registry)
    with pytest.raises(VersionNotReady):
        change_version(registry, "t", "m", 1, {"label": "x"})


@pytest.mark.parametrize("tags", [{"a#b": "1"}, {"": "1"}, {"a": "x#y"}, {"a": "é"}, {f"k{n}": "" for n in range(21)}])
def test_a_tag_that_could_not_be_a_key_is_refused(registry, tags):
    ready(registry)
    with pytest.raises(InvalidArguments):
        describe_model(registry, "t", "m", {"tags": tags})


def test_jobs_are_found_by_state_and_model(registry):
    ready(registry, 1)
    reserved(registry, 2)
    reserved(registry, 1, model="n", job_id="n-1")

    def found(**asked):
        return [one.id for one in registry.list_jobs("t", PAGE, **({"state": None, "model": None} | asked)).items]

    assert found(state="waiting") == ["n-1", "job-2"]
    assert found(model="m") == ["job-2", "job-1"]
    assert found(state="succeeded", model="n") == []


def test_a_log_reads_in_order_and_is_its_tenants(registry):
    reserved(registry)
    for number in range(5):
        registry.log("t", "job-1", 1, "identify", f"line {number}")
    lines = walk(lambda page: registry.read_log("t", "job-1", page), 2)
    assert {line.message for line in lines} == {f"line {number}" for number in range(5)}
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert registry.read_log("u", "job-1", PAGE).items == ()


def test_a_line_told_again_and_late_is_one_line_where_it_belongs(registry):
    reserved(registry)
    registry.log("t", "job-1", 1, "convert", "before")
    moment = now()
    for place, message in ((2, "third"), (0, "first"), (1, "second"), (0, "first")):
        registry.log("t", "job-1", 1, "convert", message, at=later(moment, seconds=1), place=place)
    registry.log("t", "job-1", 1, "convert", "zeroth", at=later(moment, milliseconds=500), place=3)
    lines = registry.read_log("t", "job-1", PAGE).items
    assert [line.message for line in lines] == ["before", "zeroth", "first", "second", "third"]
    assert {line.at for line in lines[2:]} == {later(moment, seconds=1)}


def test_a_line_of_a_log_is_dropped_after_90_days(registry):
    reserved(registry)
    began = int(time.time())
    registry.log("t", "job-1", 1, "identify", "line")
    (item,) = registry._query("t", "LOG#job-1#")
    assert began <= int(item["ttl"]["N"]) - 90 * 24 * 3600 <= int(time.time())


def test_a_model_of_another_tenant_cannot_be_described(registry):
    ready(registry)
    with pytest.raises(ModelNotFound):
        describe_model(registry, "u", "m", {"description": "mine"})


def test_two_descriptions_at_once_do_not_mix_their_tags(registry):
    ready(registry)
    before = registry.get_model("t", "m")
    describe_model(registry, "t", "m", {"tags": {"a": "1"}})
    with pytest.raises(Conflict):
        registry.describe_model("t", before, replace(before, tags={"b": "2"}))


def test_more_tagged_models_than_one_read_takes_are_all_found(registry):
    for number in range(104):
        name = f"m{number:03d}"
        client = registry._client
        item = item_of(Model(name, "then", 1, tags={"a": "1"}), PK="T#t", SK=f"MODEL#{name}")
        client.put_item(TableName="table", Item=item)
        client.put_item(TableName="table", Item=item_of({"name": name}, PK="T#t", SK=f"TAG#a#1#{name}"))
    assert len(registry.list_models_by_tag("t", "a", "1", PageRequest(200)).items) == 104
