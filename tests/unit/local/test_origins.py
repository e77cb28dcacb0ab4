import pytest

from local.origins import refusal


def status(port=8080, links=False, bucket_names=False, **headers):
    lines = [(name.replace("_", "-"), value) for name, value in headers.items()]
    refused = refusal(lines, port, links=links, bucket_names=bucket_names)
    return refused.status if refused else None


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080"])
def test_names_of_this_machine_pass(host):
    assert status(host=host) is None


def test_on_port_80_the_host_needs_no_port():
    assert status(port=80, host="localhost") is None


@pytest.mark.parametrize(
    "host",
    ["evil.example:8080", "localhost", "localhost:8081", "127.0.0.1.evil.example:8080", "bucket.localhost:8080", ""],
)
def test_other_names_are_refused(host):
    assert status(host=host) == 421


def test_a_missing_or_doubled_host_is_refused():
    assert status() == 421
    doubled = [("host", "localhost:8080"), ("host", "localhost:8080")]
    assert refusal(doubled, 8080) is not None


def test_a_bucket_may_be_a_host_where_s3_is_served():
    assert status(host="bucket.localhost:8080", bucket_names=True) is None
    assert status(host="bucket.localhost.evil.example:8080", bucket_names=True) == 421


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:8080", "https://[::1]"])
def test_pages_of_this_machine_pass(origin):
    assert status(host="localhost:8080", origin=origin) is None


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "file://", "http://localhost.evil.example", "http://["]
)
def test_pages_from_elsewhere_are_refused(origin):
    assert status(host="localhost:8080", origin=origin) == 403


def test_an_image_of_a_page_from_elsewhere_is_refused_but_a_link_may_lead_here():
    assert status(host="localhost:8080", sec_fetch_site="cross-site") == 403
    assert status(host="localhost:8080", sec_fetch_site="cross-site", links=True) is None
