"""Outputs that a signature gives no name are called after the layers that their graph's names tell."""

from aimass.formats.converters._layer_names import by_layer

CALL = "StatefulPartitionedCall_1/StatefulPartitionedCall"


def test_keras_3_numbers_each_layer_and_the_number_is_taken_off():
    nodes = [f"{CALL}/functional_1/dense_1/Relu", f"{CALL}/functional_1/dense_1_2/MatMul"]
    sources = {"output_0": f"{CALL}/functional_1/kind_1/Softmax", "output_1": nodes[1]}
    assert by_layer(sources, [*nodes, *sources.values()]) == ["kind", "dense_1"]


def test_a_layer_of_keras_2_keeps_the_number_that_is_its_own():
    nodes = ["model/embedding/Gather", "model/dense_1/Softmax"]
    assert by_layer({"output_0": "model/dense_1/Softmax"}, nodes) == ["dense_1"]


def test_nodes_that_are_no_part_of_the_model_do_not_count():
    nodes = [f"Func/{CALL}/input/_2", "dense/kernel/read", f"{CALL}/functional_1/digit_1/Softmax"]
    assert by_layer({"output_0": nodes[2]}, nodes) == ["digit"]


def test_names_that_a_signature_gives_stay():
    assert by_layer({"score": "model/dense/BiasAdd", "output_1": None}, []) == ["score", "output_1"]


def test_outputs_whose_layer_is_not_told_stay_as_they_are():
    sources = {"output_0": "model/dense/BiasAdd", "output_1": "Identity_3"}
    assert by_layer(sources, ["model/dense/BiasAdd"]) == ["output_0", "output_1"]


def test_the_first_of_several_names_of_a_node_counts():
    node = "model_1/contour_1/MatMul;model_1/other_1/BiasAdd"
    assert by_layer({"output_0": node}, [node]) == ["contour"]
