"""A Hugging Face Hub on the loopback interface: what huggingface_hub asks of one to move files."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

COMMIT = "0" * 40


class Hub(ThreadingHTTPServer):
    """Repositories in memory.

    Args:
        files: contents by ``"USER/REPO/PATH"``.
        writable: whether uploads are accepted; otherwise they are answered as a wrong token is.
    """

    daemon_threads = True

    def __init__(self, *, writable: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.writable = writable

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        """Tests read their own output."""

    def do_HEAD(self) -> None:
        self._file(body=False)

    def do_GET(self) -> None:
        self._file(body=True)

    def do_POST(self) -> None:
        text = self._body()
        if not self.server.writable:
            self._answer({"error": "Invalid username or password."}, status=401)
        elif self.path == "/api/repos/create":
            self._answer({"url": f"{self.server.url}/user/repo", "name": "user/repo"})
        elif "/preupload/" in self.path:
            paths = [each["path"] for each in json.loads(text)["files"]]
            files = [
                {"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in paths
            ]
            self._answer({"files": files})
        elif "/commit/" in self.path:
            self._commit(text)
        else:
            self._answer({}, status=404)

    def _commit(self, text: bytes) -> None:
        repo = "/".join(self.path.split("/")[3:5])
        for line in map(json.loads, text.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                self.server.files[f"{repo}/{line['value']['path']}"] = content
        url = f"{self.server.url}/{repo}/commit/{COMMIT}"
        self._answer({"commitUrl": url, "commitOid": COMMIT, "success": True})

    def _file(self, *, body: bool) -> None:
        parts = unquote(self.path).strip("/").split("/")
        name = "/".join(parts[:2] + parts[4:])
        content = self.server.files.get(name)
        if content is None or "resolve" not in parts:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, value: object, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Answer requests inside the block."""
    thread = Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
