import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from aimass.domain.description import Resize
from aimass.domain.errors import InvalidArguments
from tests.unit.inference.described.given import file_of, pixels, tensor

LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}


def values(data, color="RGB"):
    """The pixels of one file, [height, width, channels]."""
    return tensor((data,), scale=1.0, layout="NHWC", color=color)[0]


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_files_keep_every_pixel(kind):
    image = pixels(11, 6)
    np.testing.assert_array_equal(values(file_of(image, kind, **LOSSLESS[kind])), image)


def test_a_jpeg_is_read():
    image = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    np.testing.assert_allclose(values(file_of(image, "JPEG", quality=95)), image, atol=4)


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (4, 3), color) for color in ("red", "blue")]
    animated = file_of(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.unique(values(animated).reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_dropped(mode):
    color = (10, 20, 30, 0) if mode == "RGBA" else (10, 0)
    found = values(file_of(Image.new(mode, (2, 2), color)))
    assert found[0, 0].tolist() == ([10, 20, 30] if mode == "RGBA" else [10, 10, 10])


@pytest.mark.parametrize("transparency", [1, b"\xff\x00"])
@pytest.mark.parametrize("color", ["RGB", "gray"])
def test_a_palette_becomes_its_colors(transparency, color, recwarn):
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    found = values(file_of(image, transparency=transparency), color)
    assert found[0].tolist() == ([[255, 0, 0], [0, 0, 255]] if color == "RGB" else [[76], [29]])
    assert not recwarn.list


def test_black_and_white_are_0_and_255():
    image = Image.new("1", (2, 1))
    image.putpixel((1, 0), 1)
    assert values(file_of(image), "gray").ravel().tolist() == [0, 255]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_their_upper_eight(kind):
    image = Image.fromarray(np.array([[0, 255, 256, 65535]], np.uint16))
    assert values(file_of(image, kind), "gray").ravel().tolist() == [0, 0, 1, 255]
    assert values(file_of(image, kind))[0, 3].tolist() == [255, 255, 255]


def test_printers_colors_become_red_green_blue():
    for kind in ("TIFF", "JPEG"):
        found = values(file_of(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), kind))
        np.testing.assert_allclose(found[0, 0], [255, 0, 0], atol=3)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_whose_range_is_unknown_are_refused(mode):
    with pytest.raises(InvalidArguments, match="picture 0: has 32 bits a channel"):
        values(file_of(Image.new(mode, (2, 2)), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP"])
def test_a_truncated_file_is_named(kind):
    whole = file_of(pixels(40, 40), kind)
    with pytest.raises(InvalidArguments, match=r"picture 1: cannot be read, it is truncated or corrupt") as refused:
        tensor((file_of(pixels(40, 40)), whole[: len(whole) // 2]))
    assert list(refused.value.details["fields"]) == ["picture 1"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",  # Pillow would start Ghostscript
        b"RIFF\x04\0\0\0WAVE",
        file_of(pixels(4, 4), "PPM"),
        file_of(pixels(32, 32), "ICO"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)
def test_what_is_none_of_the_formats_is_refused(data):
    with pytest.raises(InvalidArguments, match="picture 0: is none of JPEG, PNG, WEBP, GIF, BMP, TIFF"):
        values(data)


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(width, height):
    """A black picture of one bit a pixel."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def gif_bomb():
    screen = struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
    return b"GIF89a" + screen + b"\x2c" + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x01\x44\0;"


def tiff_bomb():
    """Ten pixels, in one tile of 30,000 x 30,000."""
    entries = [
        (256, 10),
        (257, 1),
        (258, 8),
        (259, 8),
        (262, 1),
        (277, 1),
        (322, 30000),
        (323, 30000),
        (324, 8),
        (325, 9),
    ]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + table + b"\0" * 4


def webp_bomb():
    """An animation of two small pictures on a large canvas."""
    frame = Image.fromarray(pixels(8, 8))
    whole = bytearray(file_of(frame, "WEBP", save_all=True, append_images=[Image.new("RGB", (8, 8))]))
    side = struct.pack("<I", 8191)[:3]
    whole[24:30] = side + side
    return bytes(whole)


def peak_kib():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0])


def reset_peak():
    Path("/proc/self/clear_refs").write_text("5")


BOMBS = [
    (png_bomb(30_000, 30_000), "is 30000 x 30000 pixels; at most 50000000"),
    (gif_bomb(), "is 65535 x 65535 pixels"),
    (tiff_bomb(), "has a tile of 30000 x 30000 pixels"),
    (webp_bomb(), "is 8192 x 8192 pixels; at most 20000000"),
]


@pytest.mark.parametrize(("bomb", "told"), BOMBS, ids=["PNG", "GIF", "TIFF", "WEBP"])
def test_a_bomb_is_refused_before_it_takes_memory(bomb, told):
    assert len(bomb) < 200_000
    values(file_of(pixels(4, 4)))
    reset_peak()
    before = peak_kib()
    with pytest.raises(InvalidArguments, match=f"picture 0: {told}"):
        values(bomb)
    assert peak_kib() - before < 20_000


def test_many_pictures_are_bounded_together():
    large = png_bomb(7_000, 7_000)
    with pytest.raises(InvalidArguments, match=r"245000000 pixels together .* send fewer a call"):
        tensor((large,) * 5, resize=Resize(height=8, width=8))


def test_a_tensor_that_small_pictures_would_blow_up_to_is_refused():
    small = file_of(pixels(1, 1))
    with pytest.raises(InvalidArguments, match=r"make 150528000 numbers; .* send fewer a call"):
        tensor((small,) * 1000, resize=Resize(height=224, width=224))


def test_a_thin_picture_is_not_resized_to_an_endless_one():
    thin = file_of(pixels(20_000, 1))
    with pytest.raises(InvalidArguments, match=r"would be 224 x 4480000 pixels .* once resized"):
        tensor((thin,), resize=Resize(shorter=224), crop=(224, 224))


def read_or_refuse(data):
    try:
        found = tensor((data,), resize=Resize(height=4, width=4))
    except InvalidArguments as refused:
        assert "picture 0" in refused.message  # noqa: PT017  # either outcome is right
    else:
        assert found.shape == (1, 3, 4, 4)
        assert np.isfinite(found).all()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_picture_or_refused(data):
    read_or_refuse(data)


STARTS = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\0\0\0WEBP", b"GIF89a", b"BM", b"II*\0", b"MM\0*"]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of broken tags
@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes_behind_a_formats_first_are_a_picture_or_refused(start, data):
    read_or_refuse(start + data)


WHOLE = [file_of(pixels(9, 8), kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")]


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=300)
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8))
def test_any_file_with_bytes_changed_is_a_picture_or_refused(data, changes):
    changed = bytearray(data)
    for place, byte in changes:
        changed[int(place * len(changed))] = byte
    read_or_refuse(bytes(changed))
