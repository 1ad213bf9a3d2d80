"""Call an endpoint with OpenAI's protocol, for the engines that use one.

Its answers are not trusted: each is held to a size, a time and a shape. The package `openai` is an
extra, and is imported only when an endpoint is made.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

# Attempts at a call, the first included.
ATTEMPTS = 3
# Seconds: an endpoint that asks for a longer wait is called again after this.
LONGEST_RETRY_AFTER = 15.0
# Bytes. Larger than any picture that is accepted here, in base64.
LARGEST_ANSWER = 24 * 1024 * 1024

TIMEOUT = "upstream timeout"
UNAVAILABLE = "upstream unavailable"
REFUSED = "upstream refused"
UNREADABLE = "upstream gave an unreadable answer"

Message = dict[str, Any]
Shape = TypeVar("Shape", bound=BaseModel)


class UpstreamError(Exception):
    """Raised when there is no usable answer.

    `reason` is safe to show to clients. `retryable` means that trying again may help.
    """

    def __init__(self, reason: str, *, retryable: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)


class _Image(BaseModel):
    b64_json: str = Field(min_length=1)


class _Images(BaseModel):
    data: list[_Image] = Field(min_length=1)


class OpenAIEndpoint:
    """A client of one endpoint. Every method but `close` raises UpstreamError.

    All times are in seconds: `timeout` is for one attempt, no attempt begins later than `total`,
    and `backoff` is the first pause. Timeouts, lost connections, 408, 429 and 5xx are tried again,
    up to `ATTEMPTS` in all. Any other answer is final, a redirect included. The error's reasons are
    TIMEOUT, UNAVAILABLE, REFUSED and UNREADABLE.
    """

    def __init__(
        self, *, base_url: str, api_key: str, timeout: float, total: float, backoff: float = 0.5
    ) -> None:
        try:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient
        except ImportError as error:
            raise RuntimeError("an engine `openai` needs the extra: onegenie[openai]") from error
        # We retry ourselves, because the client's retries ignore the caller's deadline. Redirects
        # are not followed, because an endpoint must not choose whom we call next.
        self._client = AsyncOpenAI(
            base_url=base_url,
            api_key=api_key,
            timeout=timeout,
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        )
        self._timeout = timeout
        self._total = total
        self._backoff = backoff

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def chat(self, model: str, messages: Sequence[Message], **options: Any) -> str:
        """Return the text of the model's answer."""
        completions: Any = self._client.chat.completions  # its overloads want literal shapes
        body = await self._call(
            completions.with_streaming_response.create, model=model, messages=messages, **options
        )
        choice = _parsed(_Completion, body).choices[0]
        if choice.message.refusal or choice.finish_reason == "content_filter":
            raise UpstreamError(REFUSED, retryable=False)
        if choice.finish_reason == "length" or not choice.message.content:
            raise UpstreamError(UNREADABLE)
        return choice.message.content

    async def chat_json(
        self,
        model: str,
        messages: Sequence[Message],
        shape: type[Shape],
        name: str,
        schema: dict[str, Any],
    ) -> Shape:
        """Return the model's answer as `shape`. An answer of another shape is sent back once.

        `schema` must be the JSON schema of `shape` for strict mode: all keys required, no others.
        """
        wanted = {"name": name, "strict": True, "schema": schema}
        options = {"response_format": {"type": "json_schema", "json_schema": wanted}}
        answer = await self.chat(model, messages, **options)
        problem, reply = _read(shape, answer)
        if reply is None:
            repair = f"Not valid: {problem}. Answer again, JSON only."
            messages = [
                *messages,
                {"role": "assistant", "content": answer},
                {"role": "user", "content": repair},
            ]
            _, reply = _read(shape, await self.chat(model, messages, **options))
        if reply is None:
            raise UpstreamError(UNREADABLE)
        return reply

    async def edit(self, model: str, picture: bytes, prompt: str, timeout: float) -> str:
        """Return the JPEG `picture` changed as the prompt says: the endpoint's picture, in base64.

        `timeout`, in seconds, replaces the endpoint's, because drawing takes longer than talking.
        An answer with a URL instead of the picture counts as unreadable: no URL is fetched.
        """
        options: dict[str, Any] = {}
        if "gpt-image" not in model:
            # Models named gpt-image always send the picture itself, and refuse this option.
            options["response_format"] = "b64_json"
        images: Any = self._client.images
        body = await self._call(
            images.with_streaming_response.edit,
            model=model,
            image=("room.jpg", picture, "image/jpeg"),
            prompt=prompt,
            n=1,
            timeout=timeout,
            **options,
        )
        return _parsed(_Images, body).data[0].b64_json

    async def _call(self, method: Callable[..., Any], **arguments: Any) -> bytes:
        """Return the body of the answer, after retries as the class describes."""
        import openai

        timeout = arguments.setdefault("timeout", self._timeout)
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(_may_pass),
                wait=self._wait,
                stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(self._total),
                reraise=True,
            ):
                with attempt:
                    # Needed because the client's own timeout starts again with every byte.
                    async with (
                        asyncio.timeout(timeout),
                        method(**arguments) as response,
                    ):
                        return await _body(response)
        except (openai.APITimeoutError, TimeoutError) as error:
            raise UpstreamError(TIMEOUT) from error
        except openai.APIStatusError as error:
            if _may_pass(error):
                raise UpstreamError(UNAVAILABLE) from error
            raise UpstreamError(REFUSED, retryable=False) from error
        except openai.APIConnectionError as error:
            raise UpstreamError(UNAVAILABLE) from error
        except (openai.OpenAIError, ValueError) as error:  # not the protocol's shape at all
            raise UpstreamError(UNREADABLE) from error
        raise AssertionError("tenacity ends with an answer or an error")

    def _wait(self, state: RetryCallState) -> float:
        """Return the seconds until the next attempt: Retry-After, or exponential with jitter."""
        error = state.outcome.exception() if state.outcome else None
        headers = getattr(getattr(error, "response", None), "headers", {})
        after = headers.get("retry-after", "")
        if re.fullmatch(r"\d+(\.\d+)?", after):
            return min(float(after), LONGEST_RETRY_AFTER)
        backoff = wait_exponential_jitter(multiplier=self._backoff, max=8, jitter=self._backoff)
        return backoff(state)


async def _body(response: Any) -> bytes:
    """Return the whole body of an answer. Raises UpstreamError if it exceeds LARGEST_ANSWER."""
    body = bytearray()
    try:
        async for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                raise UpstreamError(UNREADABLE)
    except UpstreamError:
        raise
    except Exception as error:  # whatever the client's HTTP library calls a lost connection
        raise UpstreamError(UNAVAILABLE) from error
    return bytes(body)


def _may_pass(error: BaseException) -> bool:
    """Return whether trying again may help."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 429) or error.status_code >= 500
    if isinstance(error, UpstreamError):
        return error.reason == UNAVAILABLE
    # APITimeoutError is an APIConnectionError.
    return isinstance(error, openai.APIConnectionError | TimeoutError)


def _parsed(shape: type[Shape], body: bytes) -> Shape:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise UpstreamError(UNREADABLE) from error


def _read(shape: type[Shape], answer: str) -> tuple[str, Shape | None]:
    """Return ("", the reply), or (what is wrong with the answer, None)."""
    try:
        # Endpoints without strict mode like to wrap JSON in a code fence.
        bare = re.sub(r"^\s*```(?:json)?\s*|\s*```\s*$", "", answer)
        return "", shape.model_validate_json(bare)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip(), None
