"""The peers: each by its own command, with the workers and threads asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.predict.environments import BUILD, PEERS, environment
from benchmarks.predict.loads import BATCHING, Load
from benchmarks.predict.servers import Program, Running, Server, Unfit, check
from benchmarks.predict.wires import Lists, OpenInference, Wire

CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Asked:
    """What a peer is started with. `max_batch` 0 leaves each call its own; the delay is in seconds."""

    bin: Path
    folder: Path
    port: int
    workers: int
    max_batch: int
    max_delay: float


@dataclass(frozen=True)
class Peer:
    """`command` may write what it is configured by into the asked folder."""

    name: str
    command: Callable[[Asked], list[str]]
    wire: Callable[[Load], Wire]
    takes_bytes: bool = True
    batches: Callable[[Load], bool] = lambda load: False


class PeerServer(Server):
    """`threads` are onnxruntime's of one worker; 0 leaves it its default, one a core."""

    def __init__(self, peer: Peer, port: int, workers: int, threads: int, is_batching: bool = False) -> None:
        self._peer, self._port, self._workers, self._threads = peer, port, workers, threads
        self._is_batching = is_batching
        self.name = f"{peer.name}, {workers} worker{'s' * (workers > 1)}{', batching' * is_batching}"
        self._program: Program | None = None

    def is_for(self, load: Load) -> bool:
        return not self._is_batching or self._peer.batches(load)

    def start(self, load: Load, model: Path) -> Running:
        if load.is_binary and not self._peer.takes_bytes:
            raise Unfit("takes no binary tensors over HTTP")
        folder = BUILD / self._peer.name / "run"
        folder.mkdir(parents=True, exist_ok=True)
        batch = (BATCHING["max_batch"], BATCHING["max_delay_ms"] / 1000) if self._is_batching else (0, 0.0)
        asked = Asked(environment(self._peer.name), folder, self._port, self._workers, *batch)
        self._program = Program(self._peer.command(asked), self._environment(asked, load, model), folder / "log")
        running = Running(self._program.pid, f"http://127.0.0.1:{self._port}", self._peer.wire(load))
        check(running, running.wire.call(load), load.expected(model), self._program)
        return running

    def stop(self) -> None:
        if self._program is not None:
            self._program.stop()

    def _environment(self, asked: Asked, load: Load, model: Path) -> dict[str, str]:
        return {
            "BENCH_MODEL": str(model),
            "BENCH_PORT": str(self._port),
            "BENCH_WORKERS": str(self._workers),
            "BENCH_THREADS": str(self._threads),
            "BENCH_BINARY": str(int(load.is_binary)),
            "BENCH_MAX_BATCH": str(asked.max_batch),
            "BENCH_MAX_DELAY": str(asked.max_delay),
            "PYTHONPATH": str(PEERS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BENTOML_HOME": str(asked.folder),
            "BENTOML_DO_NOT_TRACK": "True",
        }


def _starlette(asked: Asked) -> list[str]:
    options = ["--port", str(asked.port), "--workers", str(asked.workers), "--no-access-log"]
    return [str(asked.bin / "uvicorn"), "serve_starlette:app", *options]


def _litserve(asked: Asked) -> list[str]:
    return [str(asked.bin / "python"), str(PEERS / "serve_litserve.py")]


def _bentoml(asked: Asked) -> list[str]:
    options = ["--working-dir", str(PEERS), "--host", "127.0.0.1", "--port", str(asked.port)]
    return [str(asked.bin / "bentoml"), "serve", "serve_bentoml:Model", *options]


def _mlserver(asked: Asked) -> list[str]:
    """Its ports besides HTTP's follow that one, as it opens them whatever one asks for."""
    settings = {
        "host": "127.0.0.1",
        "http_port": asked.port,
        "grpc_port": asked.port + 1,
        "metrics_port": asked.port + 2,
        "parallel_workers": asked.workers,
        "debug": False,
    }
    (asked.folder / "settings.json").write_text(json.dumps(settings))
    described: dict[str, object] = {"name": "model", "implementation": "serve_mlserver.OnnxRuntime"}
    if asked.max_batch:
        described |= {"max_batch_size": asked.max_batch, "max_batch_time": asked.max_delay}
    (asked.folder / "model-settings.json").write_text(json.dumps(described))
    return [str(asked.bin / "mlserver"), "start", str(asked.folder)]


def _kserve(asked: Asked) -> list[str]:
    """Without its access log and gRPC, which nobody asks here."""
    options = ["--http_port", str(asked.port), "--workers", str(asked.workers), "--enable_grpc", "false"]
    quiet = ["--enable_latency_logging", "false", "--configure_logging", "false"]
    return [str(asked.bin / "python"), str(PEERS / "serve_kserve.py"), *options, *quiet]


def _open_inference(load: Load) -> Wire:
    return OpenInference()


def _lists(load: Load) -> Wire:
    return Lists()


def _bentoml_lists(load: Load) -> Wire:
    return Lists("/bytes/predict" if load.is_binary else "/predict")


def _is_small(load: Load) -> bool:
    return load.model != "classifier"


def _is_small_and_one_input(load: Load) -> bool:
    """BentoML batches calls of one argument."""
    return _is_small(load) and len(load.inputs) == 1


ALL = (
    Peer("starlette", _starlette, _lists),
    Peer("litserve", _litserve, _lists, batches=_is_small),
    Peer("bentoml", _bentoml, _bentoml_lists, batches=_is_small_and_one_input),
    Peer("mlserver", _mlserver, _open_inference, takes_bytes=False, batches=_is_small),
    Peer("kserve", _kserve, _open_inference),
)


def peer_servers(port: int) -> list[PeerServer]:
    """Each with one worker and onnxruntime's default threads, then with a worker a core and a thread each, so that
    workers don't fight over cores; where a peer batches, that too, with the workers that it has by default."""
    servers = []
    for peer in ALL:
        servers += [PeerServer(peer, port, 1, 0), PeerServer(peer, port, CORES, 1)]
        servers += [PeerServer(peer, port, 1, 0, is_batching=True)]
    return servers
