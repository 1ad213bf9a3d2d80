"""An endpoint that speaks OpenAI's protocol, for the engines that may be one.

Its answers are read as what a stranger says: held to a size, a time and a shape. The package
`openai` is an extra and is imported when an endpoint is made.
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

ATTEMPTS = 3
LONGEST_RETRY_AFTER = 15.0
# More than any picture that is taken here, in base64.
LARGEST_ANSWER = 24 * 1024 * 1024

TIMEOUT = "upstream timeout"
UNAVAILABLE = "upstream unavailable"
REFUSED = "upstream refused"
UNREADABLE = "upstream gave an unreadable answer"

Message = dict[str, Any]
Shape = TypeVar("Shape", bound=BaseModel)


class UpstreamError(Exception):
    """No usable answer. `reason` is safe to show; `retryable`: trying again may help."""

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
    """See the module's docstring. Every method but `close` raises UpstreamError.

    `timeout` is seconds for one attempt, `total` seconds after which none is begun any more,
    `backoff` the first pause in seconds. Timeouts, lost connections, 408, 429 and 5xx are tried
    again, at most `ATTEMPTS` times; other answers are final, a redirect too. Reasons: "upstream
    timeout", "upstream unavailable", "upstream refused", "upstream gave an unreadable answer".
    """

    def __init__(
        self, *, base_url: str, api_key: str, timeout: float, total: float, backoff: float = 0.5
    ) -> None:
        try:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient
        except ImportError as error:
            raise RuntimeError("an engine `openai` needs the extra: onegenie[openai]") from error
        # Our retries, not the client's: they honour the caller's deadline. Nor are its redirects
        # followed: who answers here does not choose whom we ask next.
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
        """What the model says."""
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
        """What the model says, as `shape`; an answer that isn't one is sent back once for repair.

        `schema` is what strict mode makes of `shape`: all required, nothing extra.
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
        """The JPEG `picture` changed as the prompt says: a picture in base64, as it came.

        `timeout` takes the place of the endpoint's: drawing takes longer than talking. An answer
        with an address in place of the picture is unreadable: none is fetched.
        """
        options: dict[str, Any] = {}
        if "gpt-image" not in model:
            # Those always send the picture itself, and refuse to be asked for it.
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
        """The body of the answer, tried again as the class says."""
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
                    # The client's own time-out starts anew with every byte.
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
        """Seconds till the next attempt: what Retry-After says, else exponential with jitter."""
        error = state.outcome.exception() if state.outcome else None
        headers = getattr(getattr(error, "response", None), "headers", {})
        after = headers.get("retry-after", "")
        if re.fullmatch(r"\d+(\.\d+)?", after):
            return min(float(after), LONGEST_RETRY_AFTER)
        backoff = wait_exponential_jitter(multiplier=self._backoff, max=8, jitter=self._backoff)
        return backoff(state)


async def _body(response: Any) -> bytes:
    """The whole body of an answer, if it isn't larger than any that we want."""
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
    """Whether trying again may help."""
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
    """(what is wrong, None) or ("", the reply)."""
    try:
        # Endpoints without strict mode like to wrap JSON in a code fence.
        bare = re.sub(r"^\s*```(?:json)?\s*|\s*```\s*$", "", answer)
        return "", shape.model_validate_json(bare)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip(), None
