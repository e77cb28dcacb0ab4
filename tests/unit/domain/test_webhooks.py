import pytest

from aimass.domain.errors import InvalidArguments
from aimass.domain.webhooks import Target, is_public, signatures, target_of


def test_signatures_are_those_of_the_specifications_example():
    """https://github.com/standard-webhooks/standard-webhooks, the specification's test vector."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signed = signatures([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111"],
)
def test_addresses_of_the_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff0e::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
        *("localhost", ""),
    ],
)
def test_addresses_inside_and_those_that_lead_there_are_not(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target("example.com", 443, "/")),
        ("https://Example.com:8443/a/b?c=d", Target("example.com", 8443, "/a/b?c=d")),
        ("https://8.8.8.8/x", Target("8.8.8.8", 443, "/x")),
    ],
)
def test_an_https_url_is_taken_apart(url, target):
    assert target_of(url) == target


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "https"),
        ("http://127.0.0.1:8000/", "https"),
        ("ftp://example.com/", "https"),
        ("https:///path", "https"),
        ("not a url", "ASCII"),
        ("https://example.com:80/", "port"),
        ("https://example.com:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://a:b@example.com/", "password"),
        ("https://example.com/#x", "fragment"),
        ("https://example.com/\r\nHost: inside", "ASCII"),
        ("https://bücher.example/", "ASCII"),
        ("https://example.com/" + "x" * 2048, "2048"),
        ("https://127.0.0.1/", "private"),
        ("https://[::ffff:10.0.0.1]/", "private"),
    ],
)
def test_any_other_is_refused_with_the_reason(url, why):
    with pytest.raises(InvalidArguments) as refused:
        target_of(url)
    assert why in refused.value.details["fields"]["webhook"]


def test_this_machine_is_let_through_only_where_that_was_said():
    assert target_of("http://127.0.0.1:9000/hook", loopback=True) == Target("127.0.0.1", 9000, "/hook", secure=False)
    assert target_of("http://[::1]:9000/hook", loopback=True) == Target("::1", 9000, "/hook", secure=False)
    for url in ("http://10.0.0.1/", "http://127.0.0.1.example.com/", "https://127.0.0.1/"):
        with pytest.raises(InvalidArguments):
            target_of(url, loopback=True)
