"""A sample of ONNX's own backend tests over HTTP: every datatype, every kind of value (`make conformance`: all)."""

import pytest

from tests.conformance.cases import node_tests_of, run_raw
from tests.conformance.platform import WIRES, check_answers, import_all

pytestmark = pytest.mark.e2e

# By the module of `onnx.backend.test.case.node` that makes them.
SAMPLE = {
    "add": [
        "test_add_int8",
        "test_add_int16",
        "test_add_uint8",
        "test_add_uint16",
        "test_add_uint32",
        "test_add_uint64",
    ],
    "affinegrid": ["test_affine_grid_3d"],  # comes with a sample
    "ai_onnx_ml.label_encoder": ["test_ai_onnx_ml_label_encoder_string_int"],
    "ai_onnx_ml.tree_ensemble": ["test_ai_onnx_ml_tree_ensemble_set_membership"],
    "and_": ["test_and_bcast3v1d"],
    "bitcast": ["test_bitcast_float64_to_int64", "test_bitcast_scalar_float32_to_int32"],
    "constant": ["test_constant"],  # no inputs
    "constantofshape": ["test_constantofshape_int_shape_zero"],  # an answer without elements
    "cumsum": ["test_cumsum_1d", "test_cumsum_2d_int32"],
    "equal": ["test_equal_string_broadcast"],
    "identity": ["test_identity_sequence", "test_identity_opt"],
    "if_": ["test_if_seq", "test_if_opt"],
    "isinf": ["test_isinf_float16"],
    "isnan": ["test_isnan"],
    "loop": ["test_loop13_seq"],
    "lstm": ["test_lstm_with_peepholes"],  # eight inputs
    "matmulinteger": ["test_matmulinteger"],
    "maxpool": ["test_maxpool_3d_default"],
    "nonzero": ["test_nonzero_example"],
    "reducemax": ["test_reduce_max_empty_set"],
    "reshape": ["test_reshape_zero_dim"],
    "sequence_map": ["test_sequence_map_extract_shapes"],
    "softmax_cross_entropy_loss": ["test_sce_NCd1d2d3d4d5_mean_weight"],
    "split": ["test_split_zero_size_splits_opset18"],
    "splittosequence": ["test_split_to_sequence_1"],
    "string_concat": ["test_string_concat_utf8", "test_string_concat_zero_dimensional"],
    "string_split": ["test_string_split_empty_tensor"],
    "stringnormalizer": ["test_strnormalizer_nostopwords_nochangecase"],
    "tfidfvectorizer": ["test_tfidfvectorizer_tf_batch_onlybigrams_skip5"],
}
NAMES = [name for names in SAMPLE.values() for name in names]


@pytest.fixture(scope="module")
def tests():
    return {one.name: run_raw(one) for one in node_tests_of(SAMPLE) if one.name in NAMES}


@pytest.fixture(scope="module")
def imports(client, tests):
    return import_all([client], list(tests.values()), threads=4)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_expected(imports, tests, name, wire):
    check_answers(imports.client_of(name), tests[name], wire)
