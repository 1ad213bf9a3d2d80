"""Name the services of a core process. Envoy's configuration and the tests read this too."""

SERVICES = (
    "onegenie.recommend.v1.RecommendService",
    "onegenie.profile.v1.ProfileService",
    "onegenie.store.v1.StoreService",
    "onegenie.signage.v1.SignageService",
    "onegenie.tenant.v1.TenantService",
    "onegenie.trigger.v1.TriggerService",
    "onegenie.auth.v1.AuthService",
    "onegenie.mission.v1.MissionService",
    "onegenie.friend.v1.FriendService",
    "onegenie.user.v1.UserService",
    "onegenie.post.v1.PostService",
    "onegenie.media.v1.MediaService",
    "onegenie.vision.v1.VisionService",
)

# The domain in google.rpc.ErrorInfo.
DOMAIN = "onegenie"
