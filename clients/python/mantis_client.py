"""A client of the Mantis HTTP API. Standard library only, Python 3.9 and later; one file, copy it.

    from mantis_client import Mantis

    mantis = Mantis("http://127.0.0.1:8000", token="...")
    run = mantis.submit({"micro": "plans/example/extract_listings.json"}, max_cost=1.0)
    done = mantis.wait_for_completion(run["run_id"], timeout=600)
    print(done["result"]["viable"])

A refused call raises MantisError with the server's own sentence in `detail`. Calls that are safe to
repeat are repeated after 429, 503 and lost connections, as the server's Retry-After asks; a submit is
safe because every one carries an Idempotency-Key.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, TypedDict, Union

__all__ = ["Mantis", "MantisError", "RunFailed", "RunTimeout", "Event", "verify_webhook_signature",
           "SUCCESS", "TERMINAL"]

Json = Dict[str, Any]

SUCCESS = frozenset({"succeeded"})
TERMINAL = SUCCESS | {"completed_with_failures", "halted", "failed", "cancelled", "timeout"}

HEARTBEAT_S = 25.0  # a stream says something at least so often
RETRIED = (429, 503)


class Event(TypedDict):
    """One frame of a run's stream. `id` is "" for `phase` and `terminal`."""

    id: str
    event: str
    data: Json


class MantisError(Exception):
    """The server refused, or could not be reached (status 0)."""

    def __init__(self, status: int, detail: str, retry_after: Optional[float] = None) -> None:
        super().__init__(f"{status}: {detail}" if status else detail)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class RunFailed(Exception):
    """A run ended, and not well. `document` is its status with the result, rows found so far included."""

    def __init__(self, document: Json) -> None:
        why = document.get("error") or document.get("halt_reason") or document.get("halt_class")
        super().__init__(f"run {document['run_id']} {document['status']}" + (f": {why}" if why else ""))
        self.document = document
        self.run_id: str = document["run_id"]
        self.status: str = document["status"]


class RunTimeout(TimeoutError):
    """The deadline passed; the run goes on."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The API never redirects; following one would carry the token to another host."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Mantis:
    """One server and one tenant's token. Safe to share between threads."""

    def __init__(self, base_url: str, token: str, *, gateway_key: str = "",
                 headers: Optional[Mapping[str, str]] = None, timeout: float = 60.0, retries: int = 5,
                 max_retry_wait: float = 60.0, sleep: Callable[[float], None] = time.sleep) -> None:
        """timeout: seconds of silence on one connection. gateway_key: of a hosting gateway in front.

        A token read from a file may end in a newline; whatever else a header cannot carry is a
        MantisError that does not show it.
        """
        base = base_url.rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise MantisError(0, f"the server's address must begin with http:// or https://, not '{base_url}'")
        self.base_url = base[:-3] if base.endswith("/v1") else base
        self._headers = {"Accept": "application/json", **dict(headers or {})}
        token = token.strip()
        if not (token.isascii() and token.isprintable()):
            raise MantisError(0, "the token has characters that no header can carry")
        if token:
            self._headers["X-Mantis-Token"] = token
        if gateway_key:
            self._headers["Authorization"] = f"Api-Key {gateway_key}"
        self._timeout = timeout
        self._retries = retries
        self._max_retry_wait = max_retry_wait
        self._sleep = sleep
        self._open = urllib.request.build_opener(_NoRedirects).open

    @classmethod
    def from_env(cls, **options: Any) -> "Mantis":
        """MANTIS_ENDPOINT, MANTIS_API_TOKEN or MANTIS_TOKEN, and BASETEN_API_KEY for a gateway."""
        env = os.environ.get
        return cls(env("MANTIS_ENDPOINT", "http://127.0.0.1:8000"), env("MANTIS_API_TOKEN") or env("MANTIS_TOKEN", ""),
                   gateway_key=env("BASETEN_API_KEY", ""), **options)

    # ---- runs ----

    def submit(self, plan: Mapping[str, Any], *, idempotency_key: str = "", **options: Any) -> Json:
        """Start a run and return its handle; `run_id` is in it. It is on disk when this returns.

        plan: {"task_suite": ...}, {"micro": "plans/..."} or {"plan_text": ...}; options: max_cost,
        profile_id, callback_url ... as in the API.
        """
        body = {**plan, **options, "detached": True}
        return self._send("POST", "/v1/predict", body, key=idempotency_key or uuid.uuid4().hex)

    def run(self, plan: Mapping[str, Any], *, timeout: Optional[float] = None,
            raise_on_failure: bool = True, **options: Any) -> Json:
        """submit() and wait_for_completion()."""
        return self.wait_for_completion(self.submit(plan, **options)["run_id"], timeout=timeout,
                                        raise_on_failure=raise_on_failure)

    def dry_run(self, plan: Mapping[str, Any], **options: Any) -> Json:
        """What would be run, and what it would cost."""
        return self._send("POST", "/v1/predict", {**plan, **options, "dry_run": True}, safe=True)

    def phase(self, run_id: str) -> Json:
        """The small document to poll."""
        return self._get(f"/v1/runs/{_quote(run_id)}")

    def status(self, run_id: str) -> Json:
        return self._get(f"/v1/runs/{_quote(run_id)}/status")

    def result(self, run_id: str) -> Json:
        """The status with "result" (None until "result_ready")."""
        return self._get(f"/v1/runs/{_quote(run_id)}/result")

    def wait_for_completion(self, run_id: str, *, timeout: Optional[float] = None,
                            raise_on_failure: bool = False,
                            on_phase: Optional[Callable[[Json], None]] = None) -> Json:
        """Poll at the pace the server proposes until the run is over; return what result() does.

        RunTimeout after timeout seconds. With raise_on_failure, RunFailed for every end but `succeeded`.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            phase = self.phase(run_id)
            if on_phase:
                on_phase(phase)
            if phase["terminal"]:
                document = self.result(run_id)
                if document["result_ready"]:
                    break
            pause = 0.2 if phase["terminal"] else phase["polling_backoff_ms_hint"] / 1000
            if end is not None:
                left = end - time.monotonic()
                if left <= 0:
                    raise RunTimeout(f"run {run_id} is still {phase['phase']} after {timeout} s")
                pause = min(pause, left)
            self._sleep(pause)
        if raise_on_failure and document["status"] not in SUCCESS:
            raise RunFailed(document)
        return document

    def cancel(self, run_id: str, reason: str = "") -> Json:
        return self._send("POST", f"/v1/runs/{_quote(run_id)}/cancel", {"reason": reason} if reason else {}, safe=True)

    def pause(self, run_id: str, reason: str = "") -> Json:
        return self._act("pause", run_id, **({"reason": reason} if reason else {}))

    def resume(self, run_id: str, user_input: Any = None) -> Json:
        """Let a paused run go on; user_input answers the one that asked (its status has `prompt`)."""
        return self._act("resume", run_id, **({} if user_input is None else {"user_input": user_input}))

    def logs(self, run_id: str, tail: int = 200) -> List[Json]:
        """The last lines of the run's log, oldest first."""
        return [json.loads(line) for line in self._act("logs", run_id, tail=tail)["events"]]

    def graph_learn(self, objective: str, *, start_url: str = "", force_relearn: bool = False) -> Json:
        body = {"action": "graph_learn", "objective": objective, "start_url": start_url, "force_relearn": force_relearn}
        return self._send("POST", "/v1/predict", body)

    def list_runs(self, *, status: Union[str, List[str]] = "", q: str = "", limit: Optional[int] = None,
                  before: str = "") -> Json:
        """{"runs": newest first, "next_before": `before` of the next page, None at the end}."""
        words = status if isinstance(status, str) else ",".join(status)
        return self._get("/v1/runs", status=words, q=q, limit=limit, before=before)

    def queue(self) -> Json:
        return self._get("/v1/queue")

    def usage(self) -> Json:
        """What the tenant has used, day by day, and what this token may."""
        return self._get("/v1/usage")

    def cua(self, instruction: str, *, start_url: str = "", detached: bool = True, idempotency_key: str = "",
            **options: Any) -> Json:
        """Carry out one instruction; the handle of a run, or with detached=False its result."""
        body = {"instruction": instruction, "start_url": start_url, "detached": detached, **options}
        return self._send("POST", "/v1/cua", body, key=idempotency_key or uuid.uuid4().hex)

    def fingerprint(self, target_url: str = "") -> Json:
        """Submit a small run that shows what a site can see of the browser."""
        return self._send("POST", "/v1/diagnose/fingerprint", {"target_url": target_url} if target_url else {})

    # ---- events ----

    def events(self, run_id: str, since: str = "") -> List[Json]:
        """What happened so far, after the cursor `since`."""
        return self._get(f"/v1/runs/{_quote(run_id)}/events", since=since)["events"]

    def stream_events(self, run_id: str, *, since: str = "", timeout: Optional[float] = None) -> Iterator[Event]:
        """Every event as it happens, each once, up to and including `terminal`.

        A stream that breaks off is taken up where it was. Changes of phase come as `phase`. RunTimeout
        after timeout seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        cursor, failures, phase = since, 0, None
        while True:
            try:
                for frame in self._stream(run_id, cursor, end):
                    failures = 0
                    if frame["id"]:
                        cursor = frame["id"]
                    elif frame["event"] == "phase" and frame["data"] == phase:
                        continue  # said again after a reconnect
                    elif frame["event"] == "phase":
                        phase = frame["data"]
                    yield frame
                    if frame["event"] == "terminal" and not frame["id"]:
                        return
                pause = 0.0
            except MantisError as error:
                late = end is not None and time.monotonic() >= end
                if error.status not in (0, *RETRIED) or (failures >= self._retries and not late):
                    raise
                pause = self._retry_pause(failures, error.retry_after)
                failures += 1
            if end is not None and time.monotonic() + pause >= end:
                raise RunTimeout(f"run {run_id} had not ended after {timeout} s")
            self._sleep(pause)

    def _stream(self, run_id: str, cursor: str, end: Optional[float]) -> Iterator[Event]:
        """One connection's frames; returns when the server ends it on purpose, to be opened again."""
        headers = {"Accept": "text/event-stream"}
        silence = max(self._timeout, 2 * HEARTBEAT_S)
        if cursor:
            headers["Last-Event-ID"] = cursor
        if end is not None:
            silence = min(silence, max(end - time.monotonic(), 0.1))
        with self._connect("GET", f"/v1/runs/{_quote(run_id)}/events", {"sse": "true", "steps": "false"}, None,
                           headers, silence) as reply:
            try:
                for frame in _frames(reply):
                    if frame["event"] == "timeout" and not frame["id"]:
                        return
                    yield frame
            except (OSError, http.client.HTTPException) as error:
                raise MantisError(0, f"the stream of run {run_id} broke off: {error}") from error
        raise MantisError(0, f"the stream of run {run_id} broke off")

    # ---- results ----

    def artifacts(self, run_id: str) -> List[Json]:
        """What result() lists; [] while there is no result."""
        return (self.result(run_id)["result"] or {}).get("artifacts", [])

    def artifact(self, run_id: str, name: str) -> bytes:
        """One file, e.g. "leads.csv"."""
        return self._bytes(f"/v1/runs/{_quote(run_id)}/artifacts/{_quote(name)}")

    def video(self, run_id: str, *, raw: bool = False, track: str = "") -> bytes:
        """track: "captions" or "chapters" of it, as WebVTT."""
        return self._bytes(f"/v1/runs/{_quote(run_id)}/video", track=track, **({"raw": "true"} if raw else {}))

    def steps(self, run_id: str, after: Optional[int] = None) -> Json:
        """What was done, and what the plan has; after leaves out the first so many."""
        return self._get(f"/v1/runs/{_quote(run_id)}/steps", after=after)

    def screenshot(self, run_id: str, name: str) -> bytes:
        """A PNG that a step names."""
        return self._bytes(f"/v1/runs/{_quote(run_id)}/screenshots/{_quote(name)}")

    # ---- a person's eyes and hands ----

    def view(self, run_id: str, *, control: bool = False) -> Json:
        """Addresses to watch a run at, for <img> and WebSocket; control: also to use its browser."""
        return self._get(f"/v1/runs/{_quote(run_id)}/view", **({"control": "true"} if control else {}))

    def take_over(self, run_id: str, *, lease: str = "", take: bool = False) -> Json:
        """Pause the run and take its mouse and keyboard: {"lease", "ws_url", ...}."""
        return self._send("POST", f"/v1/runs/{_quote(run_id)}/takeover",
                          {**({"lease": lease} if lease else {}), **({"take": True} if take else {})})

    def release(self, run_id: str, lease: str, user_input: Any = None) -> Json:
        """Give them back; the run goes on."""
        return self._send("POST", f"/v1/runs/{_quote(run_id)}/release",
                          {"lease": lease, **({} if user_input is None else {"user_input": user_input})})

    # ---- recipes ----

    def recipes(self) -> List[str]:
        """Names of the tenant's own and of the shipped ones."""
        listed = self._get("/v1/recipes")
        return sorted({recipe["name"] for recipe in listed["recipes"] + listed["shipped"]})

    def recipe(self, name: str) -> Json:
        return self._get(f"/v1/recipes/{_quote(name)}")["schema"]

    def put_recipe(self, name: str, schema: Mapping[str, Any]) -> Json:
        return self._send("POST", "/v1/recipes", {"name": name, "schema": schema}, safe=True)

    def delete_recipe(self, name: str) -> bool:
        """False: there was none."""
        return self._send("DELETE", f"/v1/recipes/{_quote(name)}", None, safe=True)["deleted"]

    # ---- webhooks ----

    def webhooks(self, *, state: str = "", limit: Optional[int] = None) -> List[Json]:
        """Newest first; state "dead" lists those that were given up."""
        return self._get("/v1/webhooks", state=state, limit=limit)["deliveries"]

    def run_webhooks(self, run_id: str) -> List[Json]:
        """With every attempt."""
        return self._get(f"/v1/runs/{_quote(run_id)}/webhook")["deliveries"]

    def replay_webhook(self, delivery_id: str) -> Json:
        return self._send("POST", f"/v1/webhooks/{_quote(delivery_id)}/replay", {}, safe=True)

    def replay_run_webhooks(self, run_id: str) -> Json:
        return self._send("POST", f"/v1/runs/{_quote(run_id)}/webhook/replay", {}, safe=True)

    # ---- the server ----

    def health(self) -> Json:
        """{"ok": ...}, also when it is not."""
        try:
            with self._connect("GET", "/health", {}, None, {}, self._timeout) as reply:
                return json.loads(reply.read())
        except MantisError as error:
            if error.status != 503:
                raise
            return {"ok": False, "reason": error.detail}

    def version(self) -> Json:
        return self._get("/v1/version")

    def models(self) -> List[str]:
        return [model["id"] for model in self._get("/v1/models")["data"]]

    def chat(self, messages: List[Json], **options: Any) -> Json:
        """An OpenAI-style completion from the server's model."""
        return self._send("POST", "/v1/chat/completions", {"messages": messages, **options})

    def metrics(self) -> str:
        return self._bytes("/metrics").decode()

    def openapi(self) -> Json:
        return self._get("/openapi.json")

    # ---- calls ----

    def _act(self, action: str, run_id: str, **fields: Any) -> Json:
        return self._send("POST", "/v1/predict", {"action": action, "run_id": run_id, **fields}, safe=True)

    def _get(self, path: str, **query: Any) -> Json:
        return json.loads(self._bytes(path, **query))

    def _bytes(self, path: str, **query: Any) -> bytes:
        return self._retrying("GET", path, {k: v for k, v in query.items() if v not in ("", None)}, None, {}, True)

    def _send(self, method: str, path: str, body: Any, *, key: str = "", safe: bool = False) -> Json:
        """safe, or with a key: it may be sent again when nobody knows whether it arrived."""
        headers = {"Idempotency-Key": key} if key else {}
        return json.loads(self._retrying(method, path, {}, body, headers, safe or bool(key)))

    def _retrying(self, method: str, path: str, query: Mapping[str, Any], body: Any,
                  headers: Mapping[str, str], safe: bool) -> bytes:
        for attempt in range(self._retries + 1):
            try:
                with self._connect(method, path, query, body, headers, self._timeout) as reply:
                    try:
                        return reply.read()
                    except (OSError, http.client.HTTPException) as error:
                        raise MantisError(0, f"the reply to {method} {path} broke off: {error}") from error
            except MantisError as error:
                again = error.status in RETRIED or (error.status == 0 and safe)
                pause = self._retry_pause(attempt, error.retry_after)
                if not again or attempt == self._retries or pause > self._max_retry_wait:
                    raise
                self._sleep(pause)
        raise AssertionError("the loop returns or raises")

    @staticmethod
    def _retry_pause(attempt: int, asked: Optional[float]) -> float:
        return asked if asked is not None else min(0.5 * 2.0 ** attempt, 15.0)

    def _connect(self, method: str, path: str, query: Mapping[str, Any], body: Any,
                 headers: Mapping[str, str], timeout: float) -> http.client.HTTPResponse:
        url = self.base_url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={**self._headers, **headers})
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            return self._open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from None
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise MantisError(0, f"{method} {path}: no reply from the server: {reason}") from error


def _quote(segment: str) -> str:
    return urllib.parse.quote(segment, safe="")


def _refusal(error: urllib.error.HTTPError) -> MantisError:
    try:
        text = error.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        text = ""
    detail: Any = text[:500]
    try:
        document = json.loads(text)
        detail = document.get("detail") or document.get("reason") or detail
    except (ValueError, AttributeError):
        pass
    try:
        retry_after: Optional[float] = float(error.headers.get("Retry-After", ""))
    except ValueError:
        retry_after = None
    return MantisError(error.code, detail if isinstance(detail, str) else json.dumps(detail), retry_after)


def _frames(reply: http.client.HTTPResponse) -> Iterator[Event]:
    """The frames of an event stream, until the peer closes it."""
    frame: Dict[str, str] = {}
    for raw in reply:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line == "":
            if "data" in frame:
                yield {"id": frame.get("id", ""), "event": frame.get("event", "message"),
                       "data": json.loads(frame["data"])}
            frame = {}
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        frame[field] = frame["data"] + "\n" + value if field == "data" and "data" in frame else value


def verify_webhook_signature(body: bytes, signature: Optional[str], secret: Union[str, bytes], *,
                             tolerance: Optional[float] = 300.0, now: Optional[float] = None) -> bool:
    """Did the server send these bytes?

    signature: the X-Mantis-Signature header ("sha256=<hex>"), or X-Mantis-Signature-V2
    ("t=<second>,v1=<hex>"), which must also be no older than tolerance seconds (None: any age).
    """
    key = secret.encode() if isinstance(secret, str) else secret
    if not signature:
        return False
    if signature.startswith("sha256="):
        return _same(signature[len("sha256="):], key, body)
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    stamp, given = parts.get("t", ""), parts.get("v1", "")
    if not (stamp.isascii() and stamp.isdigit() and given):
        return False
    if tolerance is not None and abs((time.time() if now is None else now) - int(stamp)) > tolerance:
        return False
    return _same(given, key, stamp.encode() + b"." + body)


def _same(given: str, key: bytes, message: bytes) -> bool:
    return hmac.compare_digest(hmac.new(key, message, hashlib.sha256).hexdigest().encode(), given.encode())


# Which method carries which operation of /openapi.json; a test holds both together.
OPERATIONS: Dict[str, str] = {
    "predict": "submit", "cua": "cua", "chatCompletions": "chat", "getRunPhase": "phase",
    "getRunStatus": "status", "getRunResult": "result", "cancelRun": "cancel", "getRunEvents": "stream_events",
    "getRunSteps": "steps", "getRunScreenshot": "screenshot", "getRunView": "view", "takeOverRun": "take_over",
    "releaseRun": "release", "getUsage": "usage",
    "getRunVideo": "video", "getRunArtifact": "artifact", "getRunWebhook": "run_webhooks",
    "replayRunWebhook": "replay_run_webhooks", "listWebhooks": "webhooks", "replayWebhook": "replay_webhook",
    "getQueue": "queue", "listRuns": "list_runs", "putRecipe": "put_recipe", "listRecipes": "recipes", "getRecipe": "recipe",
    "deleteRecipe": "delete_recipe", "diagnoseFingerprint": "fingerprint", "health": "health",
    "version": "version", "listModels": "models", "metrics": "metrics", "openapi": "openapi",
}
# Aliases of paths above, pages for people, and addresses that view() and take_over() give.
LEFT_OUT = frozenset({"predictAlias", "healthAlias", "docs", "docsAsset", "redoc", "console", "consoleAsset",
                      "watchRun", "watchRunSocket"})
