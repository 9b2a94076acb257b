"""The local models as a web application, with the paths and shapes of fal's endpoints.

The real names of endpoints are used so that a notebook written for fal runs unchanged. So that nobody is deceived,
every answer names the model that made it, in the header ``X-Local-Model`` and in the field ``model``.
"""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fal_notebook.local import fractal_api, language_api, repaint_api, speech_api
from fal_notebook.local.arguments import Arguments, InvalidArgumentsError
from fal_notebook.local.loading import ModelUnavailableError
from fal_notebook.local.openapi import document

Endpoint = Callable[[Arguments], Awaitable[Response]]

_HEADER = "X-Local-Model"
_NO_MODEL = "none (local)"


def create_app() -> Starlette:
    """Return the application; the models are loaded when they are first asked for."""
    return Starlette(
        routes=[
            _route("/fal-ai/any-llm", language_api.any_llm, language_api.MODEL),
            _route("/fal-ai/any-llm/stream", language_api.any_llm_stream, language_api.MODEL),
            _route("/openrouter/router", language_api.router, language_api.MODEL),
            _route("/openrouter/router/stream", language_api.router_stream, language_api.MODEL),
            _route(
                "/openrouter/router/openai/v1/chat/completions",
                language_api.chat_completions,
                language_api.MODEL,
            ),
            _route("/local/speech", speech_api.speech, speech_api.MODEL),
            _route("/local/speech/stream", speech_api.speech_stream, speech_api.MODEL),
            _route("/local/fractal", fractal_api.fractal, fractal_api.MODEL),
            _route("/local/fractal/stream", fractal_api.fractal_stream, fractal_api.MODEL),
            _route("/local/repaint", repaint_api.repaint, repaint_api.MODEL),
            Route("/openapi.json", _openapi, methods=["GET"]),
        ],
        exception_handlers={HTTPException: _http_error, Exception: _server_error},
    )


async def _openapi(_request: Request) -> JSONResponse:
    """Answer with what the endpoints take; fal has such documents at its public address."""
    return JSONResponse(document(), headers={_HEADER: _NO_MODEL})


def _route(path: str, endpoint: Endpoint, model: str) -> Route:
    async def answer(request: Request) -> Response:
        response = await _answer(endpoint, await request.body())
        response.headers[_HEADER] = model
        return response

    return Route(path, answer, methods=["POST"])


async def _answer(endpoint: Endpoint, body: bytes) -> Response:
    try:
        return await endpoint(Arguments.from_json(body))
    except InvalidArgumentsError as error:
        return JSONResponse({"detail": error.detail}, status_code=422)
    except ModelUnavailableError as error:
        return JSONResponse({"detail": str(error)}, status_code=503)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    application = request.url.path.strip("/")
    detail = f"Application {application!r} not found" if error.status_code == 404 else error.detail
    headers = {**(error.headers or {}), _HEADER: _NO_MODEL}
    return JSONResponse({"detail": detail}, status_code=error.status_code, headers=headers)


async def _server_error(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": "Internal Server Error"}, status_code=500, headers={_HEADER: _NO_MODEL})
