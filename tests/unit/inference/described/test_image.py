from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from aimass.domain.description import Resize
from aimass.domain.errors import InvalidArguments
from tests.unit.inference.described.given import file_of, pixels, spec, tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def test_a_picture_is_scaled_normalised_and_laid_out():
    image = pixels(5, 7)
    expected = (image.astype(np.float64) / 255 - MEAN) / STD
    found = tensor((file_of(image),), mean=MEAN, std=STD)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected.transpose(2, 0, 1)[np.newaxis].astype(np.float32))


def test_channels_may_come_last():
    image = pixels(5, 7)
    found = tensor((file_of(image),), layout="NHWC", mean=MEAN, std=STD)
    expected = ((image / 255 - MEAN) / STD).astype(np.float32)
    np.testing.assert_array_equal(found, expected[np.newaxis])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_bgr_turns_the_channels_round_and_mean_is_in_the_models_order(layout):
    image = pixels(4, 6)
    found = tensor((file_of(image),), color="BGR", layout=layout, scale=1.0, mean=(1.0, 2.0, 3.0))
    found = found[0].transpose(1, 2, 0) if layout == "NCHW" else found[0]
    np.testing.assert_array_equal(found, image[:, :, ::-1].astype(np.float32) - (1, 2, 3))


@pytest.mark.parametrize(("layout", "shape"), [("NCHW", (1, 1, 4, 6)), ("NHWC", (1, 4, 6, 1))])
def test_gray_has_one_channel_of_weighted_colors(layout, shape):
    image = pixels(4, 6)
    found = tensor((file_of(image),), color="gray", layout=layout, scale=1.0)
    assert found.shape == shape
    luma = image @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(found.reshape(4, 6), luma, atol=0.51)


def test_gray_needs_no_channel_where_the_input_has_none():
    image = pixels(4, 6, 1)
    found = tensor((file_of(image),) * 2, spec("x", "UINT8", -1, 4, 6), color="gray", scale=1.0)
    np.testing.assert_array_equal(found, [image, image])


@pytest.mark.parametrize("datatype", ["FP16", "BF16", "FP64", "UINT8", "INT8", "INT32", "INT64"])
def test_the_tensor_has_the_inputs_datatype(datatype):
    image = pixels(3, 3)
    shift = 128.0 if datatype == "INT8" else 0.0
    found = tensor((file_of(image),), spec("x", datatype, -1, 3, 3, 3), scale=1.0, mean=(shift,) * 3, layout="NHWC")
    names = {"FP16": "float16", "BF16": "bfloat16", "FP64": "float64"}
    assert found.dtype.name == names.get(datatype, datatype.lower())
    np.testing.assert_array_equal(found[0].astype(np.float64), image - shift)


def test_integers_are_rounded_and_stay_in_their_range():
    image = np.array([[0, 99, 100, 255]], np.uint8)
    found = tensor((file_of(image),), spec("x", "INT8", 1, 1, 1, 4), color="gray", scale=0.5, mean=(-5.6,))
    assert found.ravel().tolist() == [6, 55, 56, 127]


def nearest_by_hand(image, height, width):
    """Each pixel of the result is the one under its centre."""
    rows = ((np.arange(height) + 0.5) * image.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * image.shape[1] / width).astype(int)
    return image[rows][:, columns]


def bilinear_by_hand(image, height, width):
    """A triangle filter as wide as the step, along one dimension and then the other: resampling with antialias."""

    def weights(have, want):
        scale = have / want
        reach = max(scale, 1.0)
        centers = (np.arange(want) + 0.5) * scale
        distance = np.abs(np.arange(have) + 0.5 - centers[:, np.newaxis]) / reach
        triangle = np.clip(1 - distance, 0, None)
        return triangle / triangle.sum(axis=1, keepdims=True)

    wide = np.rint(np.einsum("xw,hwc->hxc", weights(image.shape[1], width), image))
    return np.rint(np.einsum("yh,hxc->yxc", weights(image.shape[0], height), wide))


@pytest.mark.parametrize("size", [(8, 6), (30, 50)])
def test_resize_to_a_size(size):
    image = pixels(17, 23)
    nearest = tensor((file_of(image),), resize=Resize(*size, interpolation="nearest"), scale=1.0, layout="NHWC")
    np.testing.assert_array_equal(nearest[0], nearest_by_hand(image, *size))
    bilinear = tensor((file_of(image),), resize=Resize(*size), scale=1.0, layout="NHWC")
    np.testing.assert_allclose(bilinear[0], bilinear_by_hand(image, *size), atol=1)


@pytest.mark.parametrize("name", ["bicubic", "lanczos", "box"])
def test_every_interpolation_keeps_a_plain_color(name):
    image = np.full((40, 30, 3), (10, 200, 99), np.uint8)
    resized = Resize(height=7, width=9, interpolation=name)
    found = tensor((file_of(image),), resize=resized, scale=1.0, layout="NHWC")
    assert found.shape == (1, 7, 9, 3)
    assert np.unique(found.reshape(-1, 3), axis=0).tolist() == [[10, 200, 99]]


@pytest.mark.parametrize(
    ("size", "becomes"), [((480, 641), (256, 341)), ((641, 480), (341, 256)), ((9, 9), (256, 256))]
)
def test_the_shorter_side_is_resized_and_the_proportions_stay(size, becomes):
    image = pixels(*size)
    found = tensor((file_of(image),), resize=Resize(shorter=256, interpolation="nearest"), layout="NHWC", scale=1.0)
    assert found.shape == (1, *becomes, 3)
    np.testing.assert_array_equal(found[0], nearest_by_hand(image, *becomes))


@pytest.mark.parametrize(("size", "top", "left"), [((10, 13), 3, 4), ((11, 12), 4, 4), ((4, 6), 0, 1)])
def test_the_crop_is_the_middle(size, top, left):
    """Where both sides cannot be equal, halves are rounded to even: 3.5 to 4, 4.5 to 4."""
    image = pixels(*size)
    found = tensor((file_of(image),), crop=(4, 4), scale=1.0, layout="NHWC")
    np.testing.assert_array_equal(found[0], image[top : top + 4, left : left + 4])


def test_a_picture_smaller_than_the_crop_stands_in_black():
    image = pixels(2, 9)
    found = tensor((file_of(image),), crop=(5, 4), scale=1.0, layout="NHWC")
    expected = np.zeros((5, 4, 3))
    expected[1:3] = image[:, 2:6]
    np.testing.assert_array_equal(found[0], expected)


def as_displayed(image, orientation):
    """What the EXIF standard says of where row 0 and column 0 of the stored picture belong."""
    return {
        1: image,  # top, left
        2: image[:, ::-1],  # top, right
        3: image[::-1, ::-1],  # bottom, right
        4: image[::-1],  # bottom, left
        5: image.swapaxes(0, 1),  # left, top
        6: image.swapaxes(0, 1)[:, ::-1],  # right, top
        7: image.swapaxes(0, 1)[::-1, ::-1],  # right, bottom
        8: image.swapaxes(0, 1)[::-1],  # left, bottom
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_as_its_exif_says(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = pixels(6, 9)
    options = {"lossless": True} if kind == "WEBP" else {}
    found = tensor((file_of(image, kind, exif=exif, **options),), scale=1.0, layout="NHWC")
    np.testing.assert_array_equal(found[0], as_displayed(image, orientation))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_as_its_exif_says(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = np.repeat(np.repeat(pixels(2, 3), 16, axis=0), 16, axis=1)
    stored = file_of(image, "JPEG", exif=exif, quality=95, subsampling=0)
    decoded = np.asarray(Image.open(BytesIO(stored)))
    found = tensor((stored,), scale=1.0, layout="NHWC")
    np.testing.assert_array_equal(found[0], as_displayed(decoded, orientation))


def test_an_orientation_that_is_none_turns_nothing():
    exif = Image.Exif()
    exif[0x0112] = 77
    image = pixels(6, 9)
    found = tensor((file_of(image, exif=exif),), scale=1.0, layout="NHWC")
    np.testing.assert_array_equal(found[0], image)


def test_pictures_of_one_call_are_rows():
    images = [pixels(4, 5) for _ in range(3)]
    found = tensor(tuple(map(file_of, images)), layout="NHWC", scale=1.0)
    np.testing.assert_array_equal(found, images)


def test_pictures_of_different_sizes_are_told_apart():
    with pytest.raises(InvalidArguments, match=r"picture 2: is 5 x 4 pixels .* picture 0 9 x 8 pixels") as refused:
        tensor((file_of(pixels(8, 9)), file_of(pixels(8, 9)), file_of(pixels(4, 5))))
    assert list(refused.value.details["fields"]) == ["picture 2"]


def test_a_size_that_the_input_does_not_take_is_told():
    with pytest.raises(InvalidArguments, match=r"picture 0: is 9 x 8 pixels .*'x' wants rows of shape \[3, 224, 224\]"):
        tensor((file_of(pixels(8, 9)),), spec("x", "FP32", -1, 3, 224, 224))
