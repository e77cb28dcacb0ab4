import pytest

from local.stack import CannotStart, _alone_on


def test_a_second_stack_on_the_same_state_is_refused(tmp_path):
    with _alone_on(tmp_path), pytest.raises(CannotStart, match="already, as process"), _alone_on(tmp_path):
        pass
    with _alone_on(tmp_path):
        pass


def test_two_stacks_have_two_states(tmp_path):
    with _alone_on(tmp_path / "one"), _alone_on(tmp_path / "two"):
        pass


def test_the_state_of_a_version_without_a_journal_is_refused(tmp_path):
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "dynamodb.json").write_text("{}")
    with pytest.raises(CannotStart, match="without a journal"), _alone_on(tmp_path):
        pass
