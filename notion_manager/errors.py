"""What can go wrong, named once, in our words.

Upstreams and the server raise these; translators render them; only the server knows HTTP.
"""

from typing import ClassVar


class Problem(Exception):
    """Base of everything we raise on purpose. The message is safe to show to a client.

    `status`    the HTTP status it deserves before the first byte.
    `code`      a slug for programs, in the spelling OpenAI uses where OpenAI has one.
    `elsewhere` whether another account may do better.
    `heals`     whether the same request may succeed later; if not, clients are told not to retry.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    elsewhere: ClassVar[bool] = False
    heals: ClassVar[bool] = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds
        self.account = ""  # the alias of the account that it came from, if from one
        self.reasks = 0  # how often the model was asked again before it came to this
        self.failures: tuple[str, ...] = ()  # of a request: accounts tried, and their codes
        self.refused = False  # it came in place of an answer, before anything of one


class Internal(Problem):
    """A fault of ours. The message says nothing of its cause; the log does."""


class ShuttingDown(Problem):
    """The server was told to stop: who comes is too late, or an answer had its time."""

    status = 503
    code = "shutting_down"

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=5.0)


# What the client did


class BadRequest(Problem):
    """`field` is the path of what is wrong: `messages[2].content[0].text`."""

    status = 400
    code = "invalid_request_error"
    heals = False

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class Unsupported(BadRequest):
    """Legal in the protocol, but nothing we could do with it would be true."""

    code = "unsupported_parameter"


class ThreadUnsupported(Unsupported):
    """A Messages client asked for a server-side thread; its SDK then sends the whole turn."""

    code = "thread_unsupported_request"


class ThreadNotFound(BadRequest):
    status = 404
    code = "thread_not_found"


class ContextTooLong(Problem):
    status = 400
    code = "context_length_exceeded"
    heals = False

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"prompt is too long: {tokens} tokens > {limit} maximum")


class KeyRefused(Problem):
    status = 401
    code = "invalid_api_key"
    heals = False


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    heals = False


class NotFound(Problem):
    status = 404
    code = "not_found"
    heals = False


class UnknownModel(NotFound):
    code = "model_not_found"
    elsewhere = True  # accounts differ in what they offer


class MethodNotAllowed(Problem):
    """`allowed` are the methods that the path takes, as HTTP lists them."""

    status = 405
    code = "method_not_allowed"
    heals = False

    def __init__(self, message: str, *, allowed: str = "") -> None:
        super().__init__(message)
        self.allowed = allowed


class TooSlow(Problem):
    """The client did not send its request in time."""

    status = 408
    code = "request_timeout"


class TooLarge(Problem):
    status = 413
    code = "request_too_large"
    heals = False


class NotJson(Problem):
    status = 415
    code = "unsupported_media_type"
    heals = False


class Misdirected(Problem):
    """A Host header that is not ours: the mark of DNS rebinding."""

    status = 421
    code = "misdirected_request"
    heals = False


class Unexpected(Problem):
    """An `Expect` header that asks for what nobody does."""

    status = 417
    code = "expectation_failed"
    heals = False


class UpgradeRequired(Problem):
    """A WebSocket was asked for; clients that see 426 fall back to HTTP at once."""

    status = 426
    code = "upgrade_required"
    heals = False


# What the upstream did


class RateLimited(Problem):
    status = 429
    code = "rate_limit_exceeded"
    elsewhere = True


class QuotaExhausted(Problem):
    """The account has no allowance left for this."""

    status = 429
    code = "insufficient_quota"
    elsewhere = True
    heals = False


class FeatureRefused(QuotaExhausted):
    """The service has one word for an allowance that is used up and a model that the plan lacks."""


class Denied(Problem):
    """The service refused by its own rules. It is shown, and never tried on another account."""

    status = 403
    code = "upstream_denied"
    heals = False


class EdgeChallenged(Problem):
    """The network edge wants a browser. It concerns this machine's address, not the account."""

    status = 503
    code = "upstream_challenge"
    heals = False


class AccountRefused(Problem):
    """The account's token is dead."""

    status = 503
    code = "account_unauthorized"
    elsewhere = True
    heals = False


class WorkspaceRefused(Problem):
    """The account may not use this workspace, or has none.

    `listed` says that the service refuses it and yet lists it among the account's own.
    """

    status = 503
    code = "workspace_unavailable"
    elsewhere = True
    heals = False
    listed = False


class AiDisabled(WorkspaceRefused):
    code = "ai_not_enabled"


class ModelUnavailable(Problem):
    """The model exists, but this account may not use it now."""

    status = 404
    code = "model_not_available"
    elsewhere = True
    heals = False


class ResearchExhausted(ModelUnavailable):
    """The allowance for research is used up; that for chats may not be."""

    status = 429
    code = "insufficient_quota"


class TemporarilyUnavailable(Problem):
    """A refusal that sticks to the account for hours, whatever the service calls it."""

    status = 503
    code = "upstream_unavailable"
    elsewhere = True
    heals = False


class Unexplained(TemporarilyUnavailable):
    """A refusal without a word, as some dead tokens get for whatever they ask."""


class UpstreamRejected(Problem):
    """The service found our own request malformed; no account would do better."""

    status = 502
    code = "upstream_rejected"
    heals = False


class UpstreamBroken(Problem):
    status = 502
    code = "upstream_error"
    elsewhere = True


class UpstreamTimeout(UpstreamBroken):
    status = 504
    code = "upstream_timeout"


class StorageBroken(UpstreamBroken):
    """The service's file storage failed, another host: it says nothing of the account."""

    code = "upstream_storage"


class StorageTimeout(StorageBroken, UpstreamTimeout):
    """It did not take the file in time."""


class EmptyAnswer(UpstreamBroken):
    """A normal end without a word."""

    code = "upstream_empty"


class Unformed(Problem):
    """The model was asked twice, and did not call a tool as it had to.

    It is not for the client to retry at once: that would only ask the same again.
    """

    status = 502
    code = "invalid_tool_call"
    heals = False


class WrongDocument(Unformed):
    """The model did not give the JSON that it was asked for."""

    code = "invalid_structured_output"


# What the pool says


class Busy(Problem):
    """Every account is busy or resting; one is due in `retry_after` seconds."""

    status = 429
    code = "rate_limit_exceeded"


class Full(Busy):
    """Accounts are well, but give as many answers as they may at once."""


class NoAccount(Problem):
    status = 503
    code = "no_account"
    heals = False


class AccountLeft(NoAccount):
    """The account was removed while a request was on its way to it."""

    elsewhere = True
