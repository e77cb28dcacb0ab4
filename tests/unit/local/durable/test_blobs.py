import pytest

from local.durable.blobs import Blobs, joined
from local.durable.journal import Journal


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "j.db")


@pytest.fixture
def blobs(tmp_path, journal):
    return Blobs(tmp_path / "blobs", journal)


def files(blobs):
    return {path.read_bytes() for path in blobs.folder.iterdir()}


def test_a_body_gives_any_part_of_what_it_joins(blobs):
    whole = b"0123456789"
    body = joined([blobs.body(b"0123"), blobs.body(b""), blobs.body(b"456"), blobs.body(b"789")], blobs.folder)
    assert (len(body), bytes(body)) == (10, whole)
    for first in range(11):
        for last in range(first, 11):
            part = body[first:last]
            assert (bytes(part), len(part)) == (whole[first:last], last - first)
            assert bytes(part[1:3]) == whole[first:last][1:3]


def test_a_spooled_body_is_a_buffer_with_its_digests(blobs):
    spool = blobs.spool()
    spool.write([b"123456", b"789"])
    received = spool.finish()
    assert bytes(received) == b"123456789"
    assert (received.obj.md5, received.obj.crc32) == ("25f9e794323b453885f5181f1b624d0b", 0xCBF43926)
    assert bytes(blobs.body(received)) == b"123456789"
    assert len(files(blobs)) == 1


def test_a_file_goes_when_no_record_names_it_any_more(blobs, journal):
    body, other = blobs.body(b"shared"), blobs.body(b"other")
    blobs.name("one", [body])
    blobs.name("two", [body, other])
    blobs.name("one", [])
    journal.wait()
    assert files(blobs) == {b"shared", b"other"}
    blobs.name("two", [other])
    journal.afterwards(lambda: None)
    journal.wait()
    blobs.remove_strangers()
    assert files(blobs) == {b"other"}


def test_what_was_being_received_when_the_process_ended_is_removed(blobs):
    spool = blobs.spool()
    spool.write([b"half"])
    kept = blobs.body(b"kept")
    blobs.name("record", [kept])
    blobs.remove_strangers()
    assert files(blobs) == {b"kept"}


def test_a_refused_body_leaves_no_file(blobs):
    spool = blobs.spool()
    spool.write([b"refused"])
    received = spool.finish()
    blobs.forget_unnamed(received.obj.name)
    assert files(blobs) == set()


def test_a_body_that_is_being_sent_may_be_removed(blobs):
    body = blobs.body(b"x" * 10)
    chunks = body[0:10].chunks()
    first = next(chunks)
    blobs.remove_strangers()
    assert first + b"".join(chunks) == b"x" * 10


def test_a_file_that_lost_bytes_is_not_served(blobs):
    body = blobs.body(b"whole")
    next(blobs.folder.iterdir()).write_bytes(b"who")
    with pytest.raises(OSError, match="shorter than its record"):
        bytes(body)
