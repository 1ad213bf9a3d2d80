"""Reasons of onegenie.error.v1, made by `python -m edge.gen`."""

from edge import ReasonName


class AppReason(ReasonName):
    """Why a call of the surface \"app\" failed. Over gRPC the value without its prefix is google.rpc.ErrorInfo.reason; over REST its code is `errorCode`. Those whose code is COMMON_* may come from every method and have the general shape."""

    INTERNAL_ERROR = "INTERNAL_ERROR"
    """A fault of ours; the request id in the X-Request-Id header finds it."""

    INVALID_REQUEST = "INVALID_REQUEST"
    """The request breaks a rule of the contract; `error.fields` names each field."""

    UNAUTHORIZED = "UNAUTHORIZED"
    """No token, or one that is malformed, expired, signed out or of another kind."""

    NOT_FOUND = "NOT_FOUND"
    """No such path, or nothing there."""

    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    """The request, one of its pictures or their number is larger than allowed; `error.fields` names which."""

    RATE_LIMITED = "RATE_LIMITED"
    """Too many requests; retry after the time in the Retry-After header."""

    UNAVAILABLE = "UNAVAILABLE"
    """The service is not there just now; retry."""

    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    """The answer took too long; retry."""

    USER_NOT_FOUND = "USER_NOT_FOUND"
    """There is no such user."""

    USER_ALREADY_EXISTS = "USER_ALREADY_EXISTS"
    """The number or e-mail has an account already, which has a password: log in."""

    WRONG_CODE = "WRONG_CODE"
    """The verification code is wrong, or none was asked for."""

    CODE_EXPIRED = "CODE_EXPIRED"
    """The verification code has expired, or its tries are used up."""

    WRONG_PASSWORD = "WRONG_PASSWORD"
    """The password is wrong."""

    MISSION_NOT_FOUND = "MISSION_NOT_FOUND"
    """No mission is left to recommend, or the caller has none of that id."""

    MISSION_LIST_FULL = "MISSION_LIST_FULL"
    """Today's list has its three missions."""

    NOT_A_FRIEND = "NOT_A_FRIEND"
    """The user is not among the caller's friends."""

    ALREADY_FRIENDS = "ALREADY_FRIENDS"
    """The user is among the caller's friends already."""

    POST_NOT_FOUND = "POST_NOT_FOUND"
    """No post of that id is the caller's or a friend's."""

    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    """The request's body is compressed, or in another encoding; send it as it is."""

class SdkReason(ReasonName):
    """Why a call of the surface \"sdk\" failed. Over gRPC the value without its prefix is google.rpc.ErrorInfo.reason; over REST it is `error.code`."""

    INVALID_REQUEST = "INVALID_REQUEST"
    """The request breaks a rule of the contract; `error.fields` names each field."""

    UNAUTHORIZED = "UNAUTHORIZED"
    """No key, an unknown or revoked key, or a key of another kind."""

    INSUFFICIENT_CREDIT = "INSUFFICIENT_CREDIT"
    """The tenant's credit does not cover the round."""

    NOT_FOUND = "NOT_FOUND"
    """Nothing with such an id belongs to the caller."""

    PRIOR_ROUND_IN_FLIGHT = "PRIOR_ROUND_IN_FLIGHT"
    """The chat's latest round has not finished its step 2 yet."""

    REFINEMENT_CAP_EXCEEDED = "REFINEMENT_CAP_EXCEEDED"
    """The chat has had its opening round and eight follow-ups."""

    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    """The request body or message is larger than allowed."""

    RATE_LIMITED = "RATE_LIMITED"
    """Too many requests; retry after the time in the Retry-After header."""

    INTERNAL_ERROR = "INTERNAL_ERROR"
    """A fault of ours; the request id in the X-Request-Id header finds it."""

    UNAVAILABLE = "UNAVAILABLE"
    """The service is not there just now; retry."""

    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    """The answer took too long; retry."""

    SUPERSEDED = "SUPERSEDED"
    """A newer subscription of the same device took this one's place."""

    NO_MEAL = "NO_MEAL"
    """The meal engine has no meal to suggest; the message says why."""

    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    """The request's body is compressed, or in another encoding; send it as it is."""
