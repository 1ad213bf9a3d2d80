"""What a round's state means: everything clients see of it follows from two columns.

`steps_done` (0 to 4) and `status` give the version, the progress, and back_list_status.
"""

from __future__ import annotations

from typing import Final

from onegenie.recommend.v1 import recommend_pb2 as pb

# How a step is called in last_error, by its number.
STEP_NAMES: Final = {1: "meal_suggest", 2: "todos", 3: "recommended_items", 4: "notifications"}
LAST_STEP: Final = 4
# From here on the chat takes the next round.
FREE_AFTER_STEP: Final = 2
# Follow-ups of a chat that did not end in error.
MAX_FOLLOW_UPS: Final = 8

IN_PROGRESS: Final = "in_progress"
COMPLETED: Final = "completed"
ERROR: Final = "error"

_STATUS = {
    IN_PROGRESS: pb.ROUND_STATUS_IN_PROGRESS,
    COMPLETED: pb.ROUND_STATUS_COMPLETED,
    ERROR: pb.ROUND_STATUS_ERROR,
}

# null until step 1 is done, not_started until step 3 starts; after an error its last value.
_BACK_LIST = (
    None,
    pb.BACK_LIST_STATUS_NOT_STARTED,
    pb.BACK_LIST_STATUS_IN_PROGRESS,
    pb.BACK_LIST_STATUS_IN_PROGRESS,
    pb.BACK_LIST_STATUS_COMPLETED,
)


def version(status: str, steps_done: int) -> int:
    """Count the round's changes: 1 when it starts, one more with each change."""
    return 1 + steps_done + (status == ERROR)


def is_over(status: str) -> bool:
    """Tell whether the round will not change any more."""
    return status != IN_PROGRESS


def holds_chat(status: str, steps_done: int) -> bool:
    """Tell whether the chat can't take another round because of this one."""
    return status == IN_PROGRESS and steps_done < FREE_AFTER_STEP


def _progress(status: str, steps_done: int) -> pb.PipelineProgress:
    states = [
        pb.STEP_STATE_DONE
        if step <= steps_done
        else pb.STEP_STATE_RUNNING
        if step == steps_done + 1 and status == IN_PROGRESS
        else pb.STEP_STATE_PENDING
        for step in range(1, LAST_STEP + 1)
    ]
    return pb.PipelineProgress(step1=states[0], step2=states[1], step3=states[2], step4=states[3])


def _part(status: str, steps_done: int) -> bytes:
    return pb.Round(
        status=_STATUS[status],
        back_list_status=_BACK_LIST[steps_done],
        pipeline_progress=_progress(status, steps_done),
        notifications=pb.Notifications(),
    ).SerializeToString()


_PARTS = {
    (status, steps_done): _part(status, steps_done)
    for status in _STATUS
    for steps_done in range(LAST_STEP + 1)
}


def state_part(status: str, steps_done: int) -> bytes:
    """Return the part of a serialised Round that its state decides."""
    return _PARTS[status, steps_done]
