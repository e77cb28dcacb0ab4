import hashlib
import zipfile

import pytest

from benchmarks.compression import packages
from benchmarks.compression.packages import NotFetched, Package, fetched


@pytest.fixture
def sdist(tmp_path, monkeypatch):
    """A client that gives a zip file, and how often it was asked."""
    asked = []

    def download(package, folder):
        asked.append(package.name)
        path = folder / "sentences-1.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo("sentences-1/rated.txt"), "good")
        return path

    monkeypatch.setattr(packages, "PACKAGES", tmp_path / "packages")
    monkeypatch.setattr(packages, "_download", download)
    folder = tmp_path / "probe"
    folder.mkdir()
    digest = hashlib.sha256(download(Package("probe", "1", "", ""), folder).read_bytes()).hexdigest()
    asked.clear()
    return Package("sentences", "1", digest, "sentences-1", "pypi"), asked


def test_a_package_is_fetched_once(sdist):
    package, asked = sdist
    assert (fetched(package) / "rated.txt").read_text() == "good"
    assert (fetched(package) / "rated.txt").read_text() == "good"
    assert asked == ["sentences"]


def test_another_file_of_that_name_is_refused_and_not_kept(sdist):
    package, _ = sdist
    other = Package(package.name, package.version, "0" * 64, package.folder, package.kind)
    with pytest.raises(NotFetched, match="has the digest"):
        fetched(other)
    assert list(packages.PACKAGES.iterdir()) == []
