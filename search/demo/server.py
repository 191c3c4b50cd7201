"""Serves the demo's page over HTTP, with the standard library alone.

``GET /`` is the page, which loads nothing from elsewhere. ``GET /presets`` lists the choices.
``POST /generate`` makes one picture. A page of another site cannot post here: a browser sends JSON
to a foreign address only with a permission that this server never gives.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

from pydantic import ValidationError

from dato import DatoError
from search.demo.service import DemoRequest, DemoService
from search.errors import UserError

MAX_BODY = 64 * 1024
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


class DemoServer(ThreadingHTTPServer):
    """Listens from the start. Early requests wait until :meth:`serve`.

    Args:
        host: address to listen at; ``port``: 0 takes a free one.

    Raises:
        UserError: the address cannot be listened at.
    """

    def __init__(self, host: str, port: int) -> None:
        self.service: DemoService | None = None
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UserError(
                f"Cannot listen at --host {host} --port {port} ({error}). "
                "Choose another port, or 0 for a free one."
            ) from error

    @property
    def url(self) -> str:
        """The page's address for a browser on this machine."""
        host, port = self.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}/"

    def serve(self, service: DemoService) -> None:
        """Answer until the service is closed or the process is interrupted.

        The calling thread makes the pictures.
        """
        self.service = service
        listening = threading.Thread(target=self.serve_forever, daemon=True)
        listening.start()
        try:
            service.work()
        finally:
            self.shutdown()
            listening.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors, except a browser that closed its connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: DemoServer

    def do_GET(self) -> None:
        if self.path.partition("?")[0] == "/":
            page = files("search.demo").joinpath("page.html").read_bytes()
            self._send(200, page, "text/html; charset=utf-8")
        elif self.path == "/presets":
            self._send_json(200, self._service().describe())
        else:
            self._send_json(404, {"error": f"There is nothing at {self.path!r}."})

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/generate":
            self._refuse(404, f"There is nothing to post to at {self.path!r}.")
        elif self.headers.get_content_type() != "application/json":
            self._refuse(415, "The request is not application/json.")
        elif not length.isascii() or not length.isdecimal() or int(length[:9]) > MAX_BODY:
            self._refuse(413, f"The request does not state a length of at most {MAX_BODY} bytes.")
        else:
            self._generate(self.rfile.read(int(length)))

    def _generate(self, body: bytes) -> None:
        try:
            request = DemoRequest.model_validate_json(body)
            self._send_json(200, self._service().generate(request))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "request"
            self._send_json(400, {"error": f"{place}: {first['msg']}."})
        except (DatoError, UserError) as error:
            self._send_json(400, {"error": str(error)})

    def _service(self) -> DemoService:
        assert self.server.service is not None, "requests are handled only while serving"
        return self.server.service

    def _refuse(self, status: int, sentence: str) -> None:
        """Refuse and close the connection: an unread body would be taken for the next request."""
        self.close_connection = True
        self._send_json(status, {"error": sentence})

    def _send_json(self, status: int, value: object) -> None:
        self._send(status, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: the terminal belongs to the user."""
