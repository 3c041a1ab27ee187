"""A small OpenAI-compatible server for the tests: it keeps what it was asked and can fail in every way."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OK = 200


def settings(server, **changed):
    """How a judge is told to ask `server`: without limits, retries or structured output."""
    plain = {
        "base_url": server.base_url,
        "concurrency": 4,
        "timeout_s": 5.0,
        "max_retries": 0,
        "max_wait_s": 600.0,
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "reply_format": "text",
        "batch_poll_s": None,
        "prices_usd": {"strong": (10.0, 100.0)},
        "max_cost_usd": None,
    }
    return plain | changed


def completion(model, text, *, finish_reason="stop", **more):
    """A chat completion; tokens are words."""
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "finish_reason": finish_reason, "message": message}]
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    served = {"model": f"{model}-0613", "system_fingerprint": "fp_1"}
    return {"id": "1", "object": "chat.completion", "created": 0, "choices": choices, "usage": usage, **served, **more}


class Fault(Exception):
    """What goes wrong with one request; headers are those of the refusal."""

    def __init__(self, status=OK, *, headers=None, body=None, delay_s=0.0, drop=False, code=None):
        super().__init__(status)
        self.status, self.headers, self.body = status, headers or {}, body
        self.delay_s, self.drop, self.code = delay_s, drop, code


class Raw(Exception):
    """What is written to the socket instead of a reply, by a function that gets one to write bytes."""

    def __init__(self, send):
        super().__init__()
        self.send = send


def today(body, text="Fine. Rating: [[5]]"):
    """A reply as OpenAI's present models give it: they refuse `max_tokens`, and temperatures other than 1."""
    if "max_tokens" in body:
        said = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise refusal(said, "max_tokens", "unsupported_parameter")
    if body.get("temperature", 1) != 1:
        said = f"Unsupported value: 'temperature' does not support {body['temperature']:g} with this model. "
        raise refusal(f"{said}Only the default (1) value is supported.", "temperature", "unsupported_value")
    return text


def refusal(message, field, code):
    """The API's error 400 for a field of a request."""
    error = {"message": message, "type": "invalid_request_error", "param": field, "code": code}
    return Fault(400, body=json.dumps({"error": error}).encode())


class Handler(BaseHTTPRequestHandler):
    """Replies with what the server's `reply` function says of the request's body, or fails as it raises."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append(content)
            self.server.at.append(time.monotonic())
        try:
            said = self.server.reply(content)
        except Fault as fault:
            return self.fail(fault)
        except Raw as raw:
            self.close_connection = True
            return raw.send(self.wfile.write)
        body = said if isinstance(said, dict) else completion(content["model"], said)
        return self.say(OK, json.dumps(body).encode())

    def do_GET(self):
        """List the models that the server offers; 404 where it does not say."""
        listed = self.server.models
        if not self.path.endswith("/models") or listed is None:
            return self.fail(Fault(404))
        return self.say(OK, json.dumps({"object": "list", "data": [{"id": name} for name in listed]}).encode())

    def fail(self, fault):
        time.sleep(fault.delay_s)
        if fault.drop:
            self.close_connection = True
            return None
        error = {"error": {"message": "as asked", "code": fault.code}}
        return self.say(fault.status, fault.body or json.dumps(error).encode(), fault.headers)

    def say(self, status, payload, headers=None):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """Listens on the loopback while in use; `reply` makes of a request's body a text, or a whole reply.

    `models` are those that it lists at /models; None: it does not list any.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, reply, models=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.models, self.connections = models, 0
        self.reply, self.asked, self.at, self.lock = reply, [], [], threading.Lock()
        self.base_url = f"http://127.0.0.1:{self.server_port}/v1"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def process_request_thread(self, request, client_address):
        """Serve one connection; it counts as busy until its client has left."""
        with self.lock:
            self.connections += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.lock:
                self.connections -= 1

    def busy(self):
        """Whether a client is still connected."""
        with self.lock:
            return self.connections > 0

    def handle_error(self, *_):
        """Say nothing of a client that went away."""
