"""What clients see of a round follows from steps_done and status, as the documents say."""

import pytest
from onegenie.recommend.v1 import recommend_pb2 as pb

from core.shop.recommend.language import choose_language
from core.shop.recommend.state import holds_chat, is_over, state_part, version


def words(round_: pb.Round) -> list[str]:
    progress = round_.pipeline_progress
    states = (progress.step1, progress.step2, progress.step3, progress.step4)
    return [pb.StepState.Name(state).removeprefix("STEP_STATE_").lower() for state in states]


@pytest.mark.parametrize(
    ("status", "steps_done", "progress", "back_list", "busy"),
    [
        ("in_progress", 0, "running pending pending pending", None, True),
        ("in_progress", 1, "done running pending pending", "NOT_STARTED", True),
        ("in_progress", 2, "done done running pending", "IN_PROGRESS", False),
        ("in_progress", 3, "done done done running", "IN_PROGRESS", False),
        ("completed", 4, "done done done done", "COMPLETED", False),
        ("error", 0, "pending pending pending pending", None, False),
        ("error", 1, "done pending pending pending", "NOT_STARTED", False),
        ("error", 2, "done done pending pending", "IN_PROGRESS", False),
        ("error", 3, "done done done pending", "IN_PROGRESS", False),
    ],
)
def test_the_state_table(
    status: str, steps_done: int, progress: str, back_list: str | None, busy: bool
) -> None:
    round_ = pb.Round.FromString(state_part(status, steps_done))
    assert words(round_) == progress.split()
    assert pb.RoundStatus.Name(round_.status) == f"ROUND_STATUS_{status.upper()}"
    shown = round_.HasField("back_list_status") and pb.BackListStatus.Name(round_.back_list_status)
    assert shown == (f"BACK_LIST_STATUS_{back_list}" if back_list else False)
    assert round_.HasField("notifications")
    assert holds_chat(status, steps_done) is busy
    assert is_over(status) is (status != "in_progress")


def test_every_change_has_a_higher_version() -> None:
    done = [version("in_progress", steps) for steps in range(4)] + [version("completed", 4)]
    assert done == [1, 2, 3, 4, 5]
    assert [version("error", steps) for steps in range(4)] == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("profile", "tenant", "language"),
    [
        ("ja", "ko", "ja"),
        ("ja-JP", "ko", "ja"),
        ("en_US", None, "en"),
        (" KO ", "ja", "ko"),
        ("fr", "ja", "ja"),
        ("", "en", "en"),
        (None, None, "ko"),
        ("jam", "en", "en"),
    ],
)
def test_the_language_of_answers(profile: str | None, tenant: str | None, language: str) -> None:
    assert choose_language(profile, tenant) == language
