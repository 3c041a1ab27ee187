"""The files and batches of OpenAI's Batch API over HTTP on the loopback, which can fail in every way."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.chat_server import completion


class Handler(BaseHTTPRequestHandler):
    """Answers each call unless `faults` of the server has (status, body) left for its kind."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/chat/completions"):
            self.say("chat", lambda: completion("strong", "[[5]]"))
        elif self.path.endswith("/files"):
            self.say("upload", lambda: self.server.keep(body.split(b"\r\n\r\n")))
        else:
            self.say("create", lambda: self.server.create(json.loads(body)["input_file_id"]))

    def do_GET(self):
        name = self.path.split("?")[0].split("/")[2:]
        if name[0] == "files":
            self.say("content", lambda: self.server.stored[name[1]])
        elif len(name) == 1:
            self.say("list", lambda: {"object": "list", "data": list(self.server.made.values()), "has_more": False})
        else:
            self.say("poll", lambda: self.server.ended(name[1]))

    def say(self, kind, make):
        with self.server.lock:
            self.server.calls.append(kind)
            left = self.server.faults.get(kind) or []
            status, said = left.pop(0) if left else (200, make())
        payload = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if payload.startswith(b"<") else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


class BatchServer(ThreadingHTTPServer):
    """`line` makes of a request's line its line of results; a batch has ended when it is first looked at."""

    daemon_threads = True

    def __init__(self, line=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.line, self.faults, self.calls, self.lock = line or answered, {}, [], threading.Lock()
        self.stored, self.made = {}, {}
        self.base_url = f"http://127.0.0.1:{self.server_port}/v1"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def keep(self, parts):
        content = next(part for part in parts if b"custom_id" in part).rsplit(b"\r\n--", 1)[0].decode()
        name = f"file-{len(self.stored)}"
        self.stored[name] = content
        return {"id": name, "object": "file"}

    def create(self, file_id):
        made = {"id": f"batch-{len(self.made)}", "object": "batch", "input_file_id": file_id, "status": "in_progress"}
        self.made[made["id"]] = made
        return made

    def ended(self, name):
        made = self.made[name]
        lines = [self.line(json.loads(line)) for line in self.stored[made["input_file_id"]].splitlines() if line]
        self.stored[f"{name}-out"] = "".join(
            line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) + "\n" for line in lines
        )
        return {**made, "status": "completed", "output_file_id": f"{name}-out"}

    def handle_error(self, *_):
        """Say nothing of a client that went away."""


def answered(line, text="[[6]]", status=200, **more):
    body = completion("strong", text) if status == 200 else {"error": {"message": text, **more}}
    return {"custom_id": line["custom_id"], "response": {"status_code": status, "body": body}, "error": None}
