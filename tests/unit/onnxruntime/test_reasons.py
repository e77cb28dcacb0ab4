import pytest

from aimass.adapters.onnxruntime.reasons import prediction_error
from aimass.domain.errors import PredictionFailed, PredictionOutOfMemory
from aimass.inference.onnxruntime.words import reason

ARENA = (
    "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Expand node. Name:'/fc/Expand' Status "
    "Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::"
    "AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer"
)
SHAPES = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Add node. Name:'/fc/Add' "
    "Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/math/element_wise_ops.h:540 void onnxruntime::"
    "BroadcastIterator::Init(ptrdiff_t, ptrdiff_t) axis == 1 || axis == largest was false. Attempting to broadcast"
)
OPENING = "[ONNXRuntimeError] : 3 : NO_SUCHFILE : Load model from /tmp/models/model-1/a.onnx failed. File doesn't exist"


@pytest.mark.parametrize(
    "text",
    [
        ARENA,
        "std::bad_alloc",
        "pthread_create failed, error code: 12 error msg: Cannot allocate memory",
        "terminate called after throwing an instance of 'std::length_error'",
        "cannot create std::vector larger than max_size()",
    ],
)
def test_a_failed_allocation_is_out_of_memory(text):
    assert isinstance(prediction_error(RuntimeError(text), "/tmp/models"), PredictionOutOfMemory)


def test_pythons_own_failed_allocation_is_out_of_memory():
    assert isinstance(prediction_error(MemoryError(), "/tmp"), PredictionOutOfMemory)


def test_the_reason_keeps_the_node_and_loses_the_source_file():
    error = prediction_error(RuntimeError(SHAPES), "/tmp/models")
    assert isinstance(error, PredictionFailed)
    assert error.message == (
        "the runtime refused: Non-zero status code returned while running Add node. Name:'/fc/Add' Status Message: "
        "axis == 1 || axis == largest was false. Attempting to broadcast"
    )


def test_the_reason_loses_the_folder():
    assert reason(OPENING, "/tmp/models/model-1") == "Load model from /a.onnx failed. File doesn't exist"
