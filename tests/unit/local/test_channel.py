import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.runtime.channel import ERROR, FRAME, READY, RESULT, Channel

MOST = 10

FRAMES = st.lists(st.tuples(st.sampled_from([READY, RESULT, ERROR]), st.binary(max_size=2 * MOST)), max_size=8)


def sent(*frames):
    return b"".join(FRAME.pack(kind, 0, len(body)) + body for kind, body in frames)


def heard(*chunks, most=lambda: MOST):
    told = []
    channel = Channel(lambda *frame: told.append(frame), most)
    for chunk in chunks:
        channel.data_received(chunk)
    return told


def test_several_frames_may_come_in_one_read():
    assert heard(sent((READY, b""), (RESULT, b"one"), (ERROR, b"two"))) == [
        (READY, b"", 0),
        (RESULT, b"one", 3),
        (ERROR, b"two", 3),
    ]


def test_a_frame_is_heard_when_its_last_byte_has_come():
    data = sent((RESULT, b"answer"))
    assert heard(data[:-1]) == []
    assert heard(*(data[at : at + 1] for at in range(len(data)))) == [(RESULT, b"answer", 6)]


def test_frames_without_a_body_are_heard_each():
    assert heard(sent((READY, b""), (RESULT, b""), (RESULT, b""))) == [
        (READY, b"", 0),
        (RESULT, b"", 0),
        (RESULT, b"", 0),
    ]


def test_of_a_body_beyond_the_limit_the_size_alone_is_heard_and_what_follows_is_whole():
    long = b"x" * 1000
    chunks = [sent((RESULT, long)), sent((RESULT, b"next"))]
    assert heard(*chunks) == heard(b"".join(chunks)) == [(RESULT, b"", 1000), (RESULT, b"next", 4)]


def test_what_is_dropped_is_not_kept_in_memory_meanwhile():
    channel = Channel(lambda *frame: None, lambda: MOST)
    channel.data_received(FRAME.pack(RESULT, 0, 1 << 30))
    for _ in range(5):
        channel.data_received(b"x" * 65_536)
        assert not channel._buffer


def test_the_limit_is_that_of_the_frames_beginning():
    most = [MOST]
    told = []
    channel = Channel(lambda *frame: told.append(frame), lambda: most[0])
    whole = sent((RESULT, b"0123456789"))
    channel.data_received(whole[:12])
    most[0] = 1
    channel.data_received(whole[12:])
    assert told == [(RESULT, b"0123456789", 10)]


@given(frames=FRAMES, data=st.data())
def test_however_the_bytes_are_cut_the_same_frames_are_heard(frames, data):
    whole = sent(*frames)
    cuts = data.draw(st.lists(st.integers(0, len(whole)), max_size=12).map(sorted))
    chunks = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert heard(*chunks) == [(kind, body if len(body) <= MOST else b"", len(body)) for kind, body in frames]


@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_an_invocation_arrives_with_its_head_and_body(size):
    async def test():
        channel, theirs = await Channel.open(lambda *frame: None, lambda: MOST)
        channel.invoke({"id": "1"}, b"x" * size)
        theirs.setblocking(False)
        loop, data = asyncio.get_running_loop(), b""
        while len(data) < FRAME.size + len(b'{"id": "1"}') + size:
            data += await loop.sock_recv(theirs, 65_536)
        assert FRAME.unpack_from(data)[1:] == (11, size)
        assert data[FRAME.size :] == b'{"id": "1"}' + b"x" * size
        channel.close()
        theirs.close()

    asyncio.run(test())
