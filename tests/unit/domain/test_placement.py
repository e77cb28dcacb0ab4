from hypothesis import given
from hypothesis import strategies as st

from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import Measurements, Variant
from aimass.domain.placement import Placement, Tier, place, tiers_of

MIB = 1024 * 1024
TIERS = tiers_of({"large": 10240, "small": 1769, "medium": 4096})
needs = st.integers(0, 40_000).map(lambda mib: mib * MIB)
tiers = st.lists(
    st.builds(Tier, st.text(min_size=1, max_size=4), st.integers(512, 20_000), st.integers(64, 20_000)),
    min_size=1,
    max_size=5,
).map(lambda found: sorted(found, key=lambda tier: tier.memory_mb))


def variant(need_mib, size_mib=1, optimized_mib=None):
    def files(mib):
        return ModelFiles("model.onnx", (StoredFile("model.onnx", "0" * 64, mib * MIB),))

    measured = Measurements(1.0, need_mib * MIB, 1.0, 1.0, 1, "1.0.0")
    optimized = None if optimized_mib is None else files(optimized_mib)
    return Variant("original", None, False, {}, files(size_mib), optimized, measured)


def fits(need, disk, tier):
    """Told anew, so that a margin that vanishes is seen."""
    return need + need // 4 <= (tier.memory_mb - 384) * MIB and disk <= tier.disk_mb * 4 // 5 * MIB


@given(needs, needs, needs, needs, tiers)
def test_a_larger_need_never_gets_a_smaller_tier(need, more, disk, more_disk, tiers):
    first = tiers.index(place(need, disk, tiers))
    assert tiers.index(place(need + more, disk + more_disk, tiers)) >= first


@given(needs, needs, tiers)
def test_the_smallest_tier_that_fits_is_taken_and_the_largest_where_none_does(need, disk, tiers):
    found = place(need, disk, tiers)
    fitting = [tier for tier in tiers if fits(need, disk, tier)]
    assert found == (fitting[0] if fitting else tiers[-1])


def test_tiers_come_smallest_first_and_only_the_small_one_has_half_a_gigabyte_of_disk():
    assert [(tier.name, tier.disk_mb) for tier in TIERS] == [("small", 512), ("medium", 10240), ("large", 10240)]


def test_a_model_moves_up_a_tier_before_its_memory_is_all_that_there_is():
    assert place(1100 * MIB, 0, TIERS).name == "small"
    assert place(1110 * MIB, 0, TIERS).name == "medium"
    assert place(2960 * MIB, 0, TIERS).name == "medium"
    assert place(2980 * MIB, 0, TIERS).name == "large"


def test_files_that_do_not_fit_the_small_disk_move_a_model_up():
    assert place(0, 409 * MIB, TIERS).name == "small"
    assert place(0, 410 * MIB, TIERS).name == "medium"


def test_a_call_goes_elsewhere_only_where_it_can():
    small = Placement("small", TIERS, {"medium", "large"})
    assert small.elsewhere(variant(17)) is None
    assert small.elsewhere(variant(2000)) == "medium"
    assert small.elsewhere(variant(9000)) == "large"
    assert small.elsewhere(variant(17, size_mib=100, optimized_mib=450)) == "medium"
    medium = Placement("medium", TIERS)
    assert [medium.elsewhere(variant(need)) for need in (17, 2000, 9000)] == [None, None, None]


def test_a_tier_knows_itself_and_the_largest_that_it_reaches():
    small = Placement("small", TIERS, {"large", "medium"})
    assert (small.tier.memory_mb, small.largest) == (1769, "large")
    assert Placement("large", TIERS).largest is None
