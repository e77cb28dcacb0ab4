"""The layers, built as a deployment builds them: they fit, and together with a function's asset they are all it needs.

Built layers are kept under build/layers by the hash of their lock; building them takes a package index or uv's cache.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from infra.constructs.python_layer import INSTALL
from infra.synth import synthesize

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "layers"
PYTHON = ".".join(map(str, sys.version_info[:2]))
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: unzipped, all layers included.
LIMIT_BYTES = 250 * 1024 * 1024
# Lambda's Python brings these; no layer has to.
OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
# What a variable is for: the part of the composition root that needs it.
PINNED = ("deps", "ml", "rows")
PARTS = {
    "TABLE_NAME": "stores.registry",
    "UPLOADS_BUCKET": "stores.uploads",
    "ARTIFACTS_BUCKET": "stores.artifacts",
    "IMPORT_STATE_MACHINE_ARN": "importing.import_runner",
    "COMPRESSION_STATE_MACHINE_ARN": "compressing.compression_runner",
}


def keys_of_layers(deployment):
    """Layer -> the hash that names its asset. Every stack has its own version of a layer, of the same asset."""
    layers = deployment.of_type("AWS::Lambda::LayerVersion")
    return {name: one["Properties"]["Content"]["S3Key"].removesuffix(".zip") for name, one in layers.items()}


@pytest.fixture(scope="session")
def for_lambda(dev):
    """Layer -> its folder as it would be zipped."""
    keys = keys_of_layers(dev)
    if not all((BUILT / key).exists() for name, key in keys.items() if name != "aimass"):
        with tempfile.TemporaryDirectory(dir=made(BUILT)) as out:
            synthesize(Path(out), context={"nag": False})
            for name, key in keys.items():
                if name != "aimass" and not (BUILT / key).exists():
                    (Path(out) / f"asset.{key}").rename(BUILT / key)
    return {name: dev.assembly / f"asset.{key}" if name == "aimass" else BUILT / key for name, key in keys.items()}


@pytest.fixture(scope="session")
def for_this_python(dev):
    """Layer -> a folder with the same for the interpreter that runs the tests, and `runtime` with Lambda's own."""
    layers = {name: installed((ROOT / "layers" / name / "requirements.lock").read_text()) for name in PINNED}
    aimass = dev.assembly / f"asset.{keys_of_layers(dev)['aimass']}"
    return {"aimass": aimass, **layers, "runtime": installed(cut((ROOT / "requirements" / "run.lock").read_text()))}


def cut(lock):
    """The lock's entries of what Lambda's runtime has."""
    entries = lock.replace("\\\n", "\\\0").splitlines()
    return "".join(one.replace("\\\0", "\\\n") + "\n" for one in entries if one.partition("==")[0] in OF_THE_RUNTIME)


def installed(lock):
    target = BUILT / f"py{PYTHON}-{hashlib.sha256(lock.encode()).hexdigest()[:32]}"
    if not target.exists():
        options = INSTALL[: INSTALL.index("--python-version")]
        with tempfile.TemporaryDirectory(dir=made(BUILT)) as out:
            (Path(out) / "lock").write_text(lock)
            subprocess.run(
                [sys.executable, "-m", *options, "--target", f"{out}/layer/python", "-r", f"{out}/lock"], check=True
            )
            (Path(out) / "layer").rename(target)
    return target


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def asset_of(deployment, name):
    return deployment.assembly / f"asset.{deployment.functions()[name]['Code']['S3Key'].removesuffix('.zip')}"


def test_every_function_and_its_layers_fit_into_what_lambda_unzips(dev, for_lambda, capsys):
    layers = {name: size_of(folder) for name, folder in for_lambda.items()}
    assert min(layers.values()) > 100_000, "a layer was not built"
    sizes = {
        name: size_of(asset_of(dev, name)) + sum(layers[layer] for layer in properties["Layers"])
        for name, properties in dev.functions().items()
    }
    with capsys.disabled():
        print(", ".join(f"{name} {size / 2**20:.1f}" for name, size in sizes.items()), "MiB of 250")
    assert {name for name, size in sizes.items() if size >= LIMIT_BYTES} == set()


@pytest.mark.parametrize("layer", ["deps", "ml"])
def test_a_layer_holds_binaries_for_lambdas_python_and_platform_alone(for_lambda, layer):
    binaries = [path.name for path in for_lambda[layer].rglob("*.so") if "cpython-" in path.name]
    assert binaries
    assert {name.split("cpython-")[1] for name in binaries} == {"313-x86_64-linux-gnu.so"}


def test_the_layer_of_rows_is_for_lambdas_platform_whatever_its_python(for_lambda):
    binaries = [path.name for path in for_lambda["rows"].rglob("*.so")]
    assert binaries
    assert {name.split(".", 1)[1] for name in binaries} == {"abi3.so"}


def test_rows_are_read_with_what_prepare_has_and_nothing_else(dev, for_this_python):
    folders = [for_this_python[one] / "python" for one in [*dev.functions()["prepare"]["Layers"], "runtime"]]
    ended = run_bare("import aimass.compression.rows, arro3.io; print(arro3.io.__name__)", folders, {})
    assert (ended.stdout.strip(), ended.stderr) == ("arro3.io", "")


def test_every_handler_imports_and_reaches_its_services_with_nothing_but_its_asset_and_layers(
    dev, for_this_python, tmp_path
):
    ended = {name: imported(dev, for_this_python, name, tmp_path / name) for name in dev.functions()}
    assert {name: one.stderr[-2000:] for name, one in ended.items() if one.returncode} == {}
    assert {name: one.stdout.strip() for name, one in ended.items()} == {
        name: str(tmp_path / name / "handler.py") for name in ended
    }


def imported(deployment, layers, name, task):
    """The ended process that imported the function's handler, in the function's own environment."""
    properties = deployment.functions()[name]
    shutil.copytree(asset_of(deployment, name), task)
    variables = {key: str(value) for key, value in properties["Environment"]["Variables"].items()}
    variables |= {
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_LAMBDA_FUNCTION_NAME": properties["FunctionName"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties["MemorySize"]),
    }
    parts = [f"{PARTS[key]}()" for key in variables if key in PARTS]
    imports = "import handler; from aimass.bootstrap import compressing, importing, stores"
    program = f"{imports}; {'; '.join(parts)}; print(handler.__file__)"
    return run_bare(program, [task, *(layers[one] / "python" for one in [*properties["Layers"], "runtime"])], variables)


def run_bare(program, folders, variables):
    """Python without site-packages; not the virtual environment's, which would bring them."""
    return subprocess.run(
        [Path(sys.base_prefix) / "bin" / f"python{PYTHON}", "-S", "-s", "-P", "-B", "-c", program],
        env={**variables, "PYTHONPATH": ":".join(map(str, folders))},
        capture_output=True,
        text=True,
    )


def test_an_import_that_no_layer_brings_would_be_noticed(dev, for_this_python):
    """The control plane has no numpy: were this environment not empty, the test above would prove nothing."""
    layers = [for_this_python[layer] / "python" for layer in dev.functions()["api"]["Layers"]]
    assert "No module named 'numpy'" in run_bare("import pydantic, numpy", layers, {}).stderr
