"""A server in the place of fal's platform API, with TLS: it finds endpoints, and says prices to whoever has a key."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fal_notebook.wire import platform_api
from fal_notebook.wire.fetching import download

from ..certificates import make_certificate, server_context

MODELS = [
    ("fal-ai/flux/dev", "FLUX.1 [dev]", "text-to-image", "Makes pictures of words.", "active"),
    ("fal-ai/flux/dev/image-to-image", "FLUX.1 [dev]", "image-to-image", "Changes a picture by words.", "active"),
    ("fal-ai/topaz/upscale/video", "Topaz", "video-to-video", "Upscales a video.", "active"),
    ("fal-ai/old", "Old", "text-to-image", "Made pictures.", "deprecated"),
]
PRICES = {"fal-ai/flux/dev": (0.025, "megapixels", "USD"), "fal-ai/topaz/upscale/video": (0.1, "seconds", "EUR")}


@dataclass
class Platform:
    """The server, and what it was asked with which key.

    Attributes:
        models: its endpoints.
        answers: what it answers in place of its own, by path: a body, or the address of a redirect.
        asked: the paths with their queries, and the keys.
        told: what was sent by POST.
    """

    port: int = 0
    models: list[tuple[str, str, str, str, str]] = field(default_factory=lambda: list(MODELS))
    answers: dict[str, bytes | str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list, repr=False)
    told: list[Any] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, list[str]]) -> Any:
        if path.endswith("/pricing"):
            known = [(each, PRICES[each]) for each in query["endpoint_id"] if each in PRICES]
            names = ("unit_price", "unit", "currency")
            return {"prices": [{"endpoint_id": each, **dict(zip(names, price, strict=True))} for each, price in known]}
        if path.endswith("/estimate"):
            return {"estimate_type": "historical_api_price", "total_cost": 12.5, "currency": "USD"}
        words = query.get("q", [""])[0].lower().split()
        found = [each for each in self.models if all(word in " ".join(each).lower() for word in words)]
        keys = ("display_name", "category", "description", "status")
        return {
            "models": [
                {"endpoint_id": name, "metadata": dict(zip(keys, metadata, strict=True))} for name, *metadata in found
            ],
            "has_more": False,
        }


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Platform]:
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            platform.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.do_GET()

        def do_GET(self) -> None:
            platform.asked.append((self.path, self.headers.get("Authorization")))
            parts = urlsplit(self.path)
            found = platform.answers.get(parts.path)
            if isinstance(found, str):
                self.send_response(302)
                self.send_header("Location", found)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            is_refused = "/pricing" in parts.path and not self.headers.get("Authorization")
            body = found or json.dumps(platform.answer(parts.path, parse_qs(parts.query))).encode()
            self.send_response(401 if is_refused else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    certificate = make_certificate(folder / "platform.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.socket = server_context(certificate).wrap_socket(http.socket, server_side=True)
        platform.port = http.server_address[1]
        monkeypatch.setattr(platform_api, "_API", f"https://127.0.0.1:{platform.port}/v1/models")
        monkeypatch.setattr(platform_api, "download", partial(download, gateway="127.0.0.1"))
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield platform
        http.shutdown()
        thread.join()
