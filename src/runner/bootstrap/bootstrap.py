# SPDX-License-Identifier: Apache-2.0
"""What runs in an environment of a Python function: loads the handler, asks the Runtime API for
events, posts what came of them. Error payloads, log lines and search paths are those of AWS's
runtime interface client (awslambdaric). Standard library only.

The protocol is spoken over one kept connection by hand: http.client takes longer than all the rest.
"""
import decimal
import importlib
import json
import logging
import os
import socket
import sys
import time
import traceback

_MORE = 65536
_LINE_END = "\r"  # joins the lines of one log event
_INDENT = "\u00a0\u00a0"


class Fault(Exception):
    """Something wrong with the function, that has a name of AWS's own."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.message, self.trace = kind, message, trace


class RuntimeApi:
    """One connection to the Runtime API, opened again when it was closed between two requests."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._at, self._address, self._socket = (host, int(port)), address, None

    def call(self, method, path, headers="", body=b""):
        """Status, headers in lower case, body."""
        head = (f"{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {self._address}\r\n"
                f"{headers}Content-Length: {len(body)}\r\n\r\n").encode()
        for is_last in (False, True):
            fresh = self._socket is None
            try:
                if fresh:
                    self._socket = socket.create_connection(self._at)
                    self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._socket.sendall(head + body if len(body) < _MORE else head)
                if len(body) >= _MORE:
                    self._socket.sendall(body)
                return self._answer()
            except OSError:
                self._close()
                if fresh or is_last:
                    raise
        return None

    def _close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _answer(self):
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            more = self._socket.recv(_MORE)
            if not more:
                raise ConnectionResetError("the Runtime API closed the connection")
            data += more
        lines = data[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        parts = [data[end + 4:]]
        missing = int(headers.get("content-length", "0")) - len(parts[0])
        while missing > 0:
            more = self._socket.recv(min(missing, 1 << 20))
            if not more:
                raise ConnectionResetError("the Runtime API closed the connection")
            parts.append(more)
            missing -= len(more)
        if headers.get("connection", "").lower() == "close":
            self._close()
        return int(lines[0].split(" ", 2)[1]), headers, b"".join(parts)


class CognitoIdentity:
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]

    def __init__(self, given):
        self.cognito_identity_id = given.get("cognitoIdentityId")
        self.cognito_identity_pool_id = given.get("cognitoIdentityPoolId")


class ClientContext:
    def __init__(self, given):
        self.custom, self.env = given.get("custom"), given.get("env")
        self.client = given.get("client")


class LambdaContext:
    """What a handler gets as its second argument."""

    def __init__(self, request_id, headers):
        given = headers.get("lambda-runtime-client-context")
        identity = headers.get("lambda-runtime-cognito-identity")
        self.aws_request_id = request_id
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = ClientContext(json.loads(given)) if given else None
        self.identity = CognitoIdentity(json.loads(identity) if identity else {})
        self._deadline_ms = int(headers.get("lambda-runtime-deadline-ms", "0"))

    def get_remaining_time_in_millis(self):
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        names = ("aws_request_id", "log_group_name", "log_stream_name", "function_name",
                 "memory_limit_in_mb", "function_version", "invoked_function_arn",
                 "client_context", "identity", "tenant_id")
        return f"LambdaContext([{','.join(f'{n}={getattr(self, n)}' for n in names)}])"


_current_request_id = None


class _Formatter(logging.Formatter):
    converter = time.gmtime

    def format(self, record):
        record.aws_request_id = _current_request_id or ""
        return super().format(record)


class _Handler(logging.Handler):
    def emit(self, record):
        try:
            sys.stdout.write(self.format(record).replace("\n", _LINE_END) + "\n")
        except Exception:
            self.handleError(record)


def set_up_logging():
    handler = _Handler()
    handler.setFormatter(_Formatter(
        "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
        "%Y-%m-%dT%H:%M:%S"))
    logging.root.addHandler(handler)


def load_handler(name):
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {error}") from None
    try:
        if module_name.split(".")[0] in sys.builtin_module_names:
            raise Fault("Runtime.BuiltInModuleConflict",
                        f"Cannot use built-in module {module_name} as a handler module")
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError",
                    f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        raise Fault("Runtime.UserCodeSyntaxError",
                    f"Syntax error in module '{module_name}': {error}",
                    [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']) from None
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound",
                    f"Handler '{function_name}' missing on module '{module_name}'") from None


def error_object(message, kind, trace, request_id=""):
    return {"errorMessage": message, "errorType": kind, "requestId": request_id,
            "stackTrace": trace or []}


def describe(error, request_id=""):
    """The payload of what was raised; frames of this file, at the start, are nobody's business."""
    if isinstance(error, Fault):
        return error_object(error.message, error.kind, error.trace, request_id)
    frames = traceback.extract_tb(error.__traceback__)
    first = next((i for i, frame in enumerate(frames)
                  if frame.filename != __file__ and "importlib" not in frame.filename), 0)
    return error_object(str(error), type(error).__name__, traceback.format_list(frames[first:]),
                        request_id)


def log_error(described):
    lines = [f"[ERROR] {described['errorType']}: {described['errorMessage']}",
             "Traceback (most recent call last):"]
    for entry in described["stackTrace"]:
        for line in entry.splitlines():
            text = line.lstrip(" ")
            lines.append(_INDENT * ((len(line) - len(text)) // 2) + text)
    sys.stdout.write(_LINE_END.join(lines).replace("\n", _LINE_END) + "\n")


class _Encoder(json.JSONEncoder):
    def default(self, o):
        return float(o) if isinstance(o, decimal.Decimal) else super().default(o)


_encoder = _Encoder(ensure_ascii=False)


def to_json(value):
    try:
        return _encoder.encode(value).encode("utf-8", "surrogatepass")
    except Exception as error:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def from_json(body):
    try:
        return json.loads(body)
    except Exception as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def post_error(api, path, described):
    api.call("POST", path, "Content-Type: application/json\r\n"
             f"Lambda-Runtime-Function-Error-Type: {described['errorType']}\r\n",
             json.dumps(described).encode())


def serve(api, handler):
    global _current_request_id
    while True:
        status, headers, body = api.call("GET", "invocation/next")
        if status != 200:
            sys.exit(1)
        request_id = headers["lambda-runtime-aws-request-id"]
        _current_request_id = request_id
        if trace_id := headers.get("lambda-runtime-trace-id"):
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        try:
            result = to_json(handler(from_json(body), LambdaContext(request_id, headers)))
        except Exception as error:
            described = describe(error, request_id)
            log_error(described)
            sys.stdout.flush()
            sys.stderr.flush()
            post_error(api, f"invocation/{request_id}/error", described)
        else:
            sys.stdout.flush()
            sys.stderr.flush()
            try:
                api.call("POST", f"invocation/{request_id}/response",
                         "Content-Type: application/json\r\n", result)
            except OSError:
                pass  # too long: it was refused while it was being sent, and that was noted there
        _current_request_id = None


def set_up_paths():
    task = os.environ["LAMBDA_TASK_ROOT"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    first = [task, f"/opt/python/lib/{version}/site-packages", "/opt/python"]
    # Not where this file lies: a function's own module may be called bootstrap too.
    rest = [path for path in sys.path if path != os.path.dirname(__file__)]
    sys.path[:] = first + rest + [os.path.dirname(__file__)]


def main():
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")
    set_up_paths()
    set_up_logging()
    try:
        handler = load_handler(os.environ["_HANDLER"])
    except Exception as error:
        described = describe(error)
        log_error(described)
        sys.stdout.flush()
        post_error(api, "init/error", described)
        sys.exit(1)
    serve(api, handler)


if __name__ == "__main__":
    main()
