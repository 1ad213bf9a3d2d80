"""Every table there is: importing this fills `metadata`."""

import core.auth.models
import core.friend.models
import core.lift.models
import core.media.models
import core.mission.models
import core.post.models
import core.profile.models
import core.recommend.models
import core.signage.models
import core.store.models
import core.tenant.models
import core.trigger.models  # noqa: F401
from core.platform.database import metadata

__all__ = ["metadata"]
