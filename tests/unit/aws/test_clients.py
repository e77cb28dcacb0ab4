"""Where a presigned URL sends its holder."""

from urllib.parse import urlsplit

import pytest

from aimass.adapters.aws.clients import client


def presigned():
    part = {"Bucket": "bkt", "Key": "uploads/acme/m/m.onnx", "UploadId": "u", "PartNumber": 1}
    return urlsplit(client("s3").generate_presigned_url("upload_part", Params=part))


@pytest.mark.parametrize("region", ["eu-central-1", "us-east-1", "ap-southeast-5"])
def test_a_presigned_url_names_the_regions_own_host(monkeypatch, region):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    url = presigned()
    assert (url.scheme, url.netloc, url.path) == ("https", f"bkt.s3.{region}.amazonaws.com", "/uploads/acme/m/m.onnx")


def test_on_one_machine_the_bucket_is_in_the_path(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    url = presigned()
    assert (url.netloc, url.path) == ("127.0.0.1:4566", "/bkt/uploads/acme/m/m.onnx")
