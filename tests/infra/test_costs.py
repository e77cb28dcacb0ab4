"""The cost document is what the script prints; its figures follow from the deployed resources."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.costs import DOCUMENT, MARK, PRICES, at_rest, key_in_use, per_million, tables
from infra.settings import STAGES

PROD = STAGES["prod"]


def test_the_document_shows_what_the_script_prints():
    assert DOCUMENT.read_text().partition(MARK)[2] == tables()


def test_an_interface_endpoint_is_paid_by_the_hour_and_a_gateway_endpoint_is_not():
    endpoint = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Interface"}}
    gateway = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcEndpointType": "Gateway"}}
    endpoints = {item.what: item for item in at_rest([endpoint] * 3 + [gateway])}["interface endpoints"]
    assert (endpoints.count, round(endpoints.usd, 2)) == (3, 26.28)
    assert "26.28" in DOCUMENT.read_text()
    assert f"{6 * 730 * PRICES['endpoint'].usd:.2f}" in DOCUMENT.read_text()


def test_an_alarm_costs_by_its_metrics():
    simple = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
    share = {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {"Metrics": [{"Expression": "a / b"}, {"MetricStat": {}}, {"MetricStat": {}}]},
    }
    alarms = {item.what: item for item in at_rest([simple, share])}["metrics under alarm"]
    assert (alarms.count, alarms.usd) == (3, pytest.approx(0.3))


def test_a_forwarded_prediction_pays_for_the_small_tier_that_waits():
    alone = per_million(PROD, "medium", 100)
    free_hop = per_million(replace(PROD, tiers=replace(PROD.tiers, small=0)), "medium", 100)
    waiting = 109e-3 * PROD.tiers.small / 1024 * PRICES["compute"].usd * 1_000_000
    assert alone - free_hop == pytest.approx(waiting)


def test_a_limit_of_calls_is_paid_for_where_it_is_set():
    limited, unlimited = (replace(PROD, limits=replace(PROD.limits, calls_per_second=n)) for n in (100, None))
    assert per_million(limited, "small", 10) - per_million(unlimited, "small", 10) == pytest.approx(
        0.2 * PRICES["write"].usd * 1_000_000
    )


def test_a_key_that_never_rests_costs_what_the_document_says():
    assert f"({key_in_use():.2f} USD a month for a key that never rests)" in DOCUMENT.read_text()
