from copy import deepcopy

import pytest

from local.ministack_queries import Bounds, Partition, Span, size_at_least, span_of

KEYS = ["JOB#1", "VER#a#1", "VER#a#2", "VER#a#3", "VER#b#1"]


def asked(condition, values, **more):
    texts = {name: {"S": text} for name, text in values.items()}
    return span_of({"KeyConditionExpression": condition, "ExpressionAttributeValues": texts} | more)


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("PK = :p AND begins_with(SK, :s)", {":s": "VER#a#"}, KEYS[1:4]),
        ("(PK = :p AND begins_with(SK, :s))", {":s": "VER"}, KEYS[1:]),
        ("PK = :p and SK BETWEEN :a AND :b", {":a": "VER#a#2", ":b": "VER#b"}, KEYS[2:4]),
        ("PK = :p AND SK < :s", {":s": "VER#a#2"}, KEYS[:2]),
        ("PK = :p AND SK <= :s", {":s": "VER#a#2"}, KEYS[:3]),
        ("PK = :p AND SK > :s", {":s": "VER#a#2"}, KEYS[3:]),
        ("PK = :p AND SK >= :s", {":s": "VER#a#2"}, KEYS[2:]),
        ("PK = :p AND SK = :s", {":s": "VER#a#2"}, ["VER#a#2"]),
    ],
)
def test_a_condition_names_a_part_of_the_sort_keys(condition, values, expected):
    span = asked(condition, values)
    assert span.bounds.name == "SK"
    assert list(span.keys(KEYS)) == expected


@pytest.mark.parametrize(
    ("condition", "values", "more"),
    [
        ("PK = :p", {}, {}),
        ("PK = :p AND begins_with(SK, :s)", {":s": "VER"}, {"IndexName": "i"}),
        ("PK = :p AND begins_with(SK, :missing)", {}, {}),
        ("PK = :p AND SK = :s OR SK = :p", {":s": "a", ":p": "b"}, {}),
        ("PK = :p AND begins_with(SK, :s)", {":s": "a"}, {"Limit": "many"}),
    ],
)
def test_what_is_not_plain_is_left_to_ministack(condition, values, more):
    assert asked(condition, values, **more) is None


def test_a_page_goes_on_after_the_last_key_in_its_direction():
    start = {"ExclusiveStartKey": {"PK": {"S": "p"}, "SK": {"S": "VER#a#2"}}}
    names = {"ExpressionAttributeNames": {"#s": "SK"}}
    forward = asked("PK = :p AND begins_with(#s, :s)", {":s": "VER#a"}, **start, **names)
    assert list(forward.keys(KEYS)) == ["VER#a#3"]
    backward = asked("PK = :p AND begins_with(#s, :s)", {":s": "VER#a"}, **start, **names, ScanIndexForward=False)
    assert list(backward.keys(KEYS)) == ["VER#a#1"]


def test_a_partition_keeps_its_keys_in_order():
    partition = Partition({"c": {}, "a": {}})
    partition["b"] = {"n": {"N": "1"}}
    partition["b"] = {"n": {"N": "2"}}
    del partition["a"]
    assert partition.pop("a", None) is None
    assert partition.pop("c") == {}
    everything = Span(Bounds("SK"), True, None, None)
    assert list(everything.keys(partition._ordered)) == ["b"]
    assert deepcopy(partition) == {"b": {"n": {"N": "2"}}}


def test_an_item_is_never_taken_for_larger_than_it_is():
    assert (
        size_at_least({"SK": {"S": "ab"}, "flags": {"L": [{"BOOL": True}, {"S": "é" * 10}]}}) <= 2 + 2 + 5 + 3 + 1 + 20
    )
