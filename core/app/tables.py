"""Import every table there is, which fills `metadata`."""

import core.room.accounts.tables
import core.room.friend.tables
import core.room.media.tables
import core.room.mission.tables
import core.room.post.tables
import core.shop.catalogue.tables
import core.shop.lift.tables
import core.shop.profile.tables
import core.shop.recommend.tables
import core.shop.signage.tables
import core.shop.tenants.tables
import core.shop.trigger.tables  # noqa: F401
from core.platform.database import metadata

__all__ = ["metadata"]
