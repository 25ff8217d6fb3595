"""What the client does when a server is slow, busy, cut off or wrong. A scripted server, no network
beyond this machine: python3 -m unittest discover -s clients/python
"""

import hashlib
import hmac
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mantis_client import Mantis, MantisError, RunFailed, RunTimeout, verify_webhook_signature

CUT = object()  # an answer that is broken off


def reply(body, status=200, **headers):
    return status, {k.replace("_", "-"): v for k, v in headers.items()}, json.dumps(body).encode()


def frames(*lines, cut=False):
    text = "".join(line + "\n" for line in lines).encode()
    return 200, {"Content-Type": "text/event-stream", **({"Content-Length": str(len(text) + 99)} if cut else {})}, text


def event(cursor, n):
    return [f"id: {cursor}", "event: step_end", f'data: {{"n": {n}}}', ""]


TERMINAL = ["event: terminal", 'data: {"phase": "complete"}', ""]


class Server:
    """Answers what it was told, in order, and remembers what it was asked."""

    def __init__(self, answers):
        self.answers, self.asked = list(answers), []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.command, self.path, self.headers, json.loads(body) if body else None))
                answer = server.answers.pop(0)
                if answer is CUT:
                    self.close_connection = True
                    return
                status, headers, data = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def __enter__(self):
        self.slept = []
        self.mantis = Mantis(f"http://127.0.0.1:{self.http.server_address[1]}/v1/", "t0ken", sleep=self.slept.append)
        return self

    def __exit__(self, *args):
        self.http.shutdown()
        self.http.server_close()


PHASE = {"run_id": "r1", "phase": "running", "terminal": False, "polling_backoff_ms_hint": 1500}
DONE = {"run_id": "r1", "phase": "complete", "terminal": True, "polling_backoff_ms_hint": 30000}


class Setup(unittest.TestCase):
    def test_a_token_read_from_a_file_may_end_in_a_newline(self):
        with Server([reply({"queued": 0})]) as s:
            Mantis(s.mantis.base_url, "t0ken\n").queue()
            self.assertEqual(s.asked[0][2]["X-Mantis-Token"], "t0ken")

    def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(self):
        with self.assertRaises(MantisError) as caught:
            Mantis("http://127.0.0.1:1", "se\ncret")
        self.assertNotIn("cret", str(caught.exception))

    def test_an_address_without_a_scheme_is_refused_at_once(self):
        with self.assertRaises(MantisError) as caught:
            Mantis("127.0.0.1:8000", "t0ken")
        self.assertIn("http://", str(caught.exception))


class Submit(unittest.TestCase):
    def test_a_busy_server_is_asked_again_with_the_same_key_after_the_time_it_names(self):
        with Server([reply({"detail": "busy"}, 429, Retry_After="6"), reply({"detail": "starting"}, 503),
                     reply({"run_id": "r1"})]) as s:
            self.assertEqual(s.mantis.submit({"micro": "plans/a.json"}, max_cost=1)["run_id"], "r1")
            keys = {headers["Idempotency-Key"] for _, _, headers, _ in s.asked}
            self.assertEqual((len(keys), len(s.asked)), (1, 3))
            self.assertEqual(s.slept[0], 6.0)
            self.assertEqual(s.asked[0][3], {"micro": "plans/a.json", "max_cost": 1, "detached": True})
            self.assertEqual(s.asked[0][1:2] + (s.asked[0][2]["X-Mantis-Token"],), ("/v1/predict", "t0ken"))

    def test_a_lost_answer_is_asked_for_again_and_two_submits_have_two_keys(self):
        with Server([CUT, reply({"run_id": "r1"}), reply({"run_id": "r2"})]) as s:
            s.mantis.submit({"micro": "a"})
            s.mantis.submit({"micro": "a"})
            first, again, second = [headers["Idempotency-Key"] for _, _, headers, _ in s.asked]
            self.assertEqual(first, again)
            self.assertNotEqual(first, second)

    def test_a_refusal_carries_status_and_detail_and_is_not_repeated(self):
        with Server([reply({"detail": "'max_cost' must be more than 0"}, 400)]) as s:
            with self.assertRaises(MantisError) as caught:
                s.mantis.submit({"micro": "a"}, max_cost=0)
            self.assertEqual((caught.exception.status, caught.exception.detail), (400, "'max_cost' must be more than 0"))
            self.assertEqual(s.slept, [])

    def test_a_pause_longer_than_wanted_is_an_error_at_once(self):
        with Server([reply({"detail": "later"}, 429, Retry_After="3600")]) as s:
            with self.assertRaises(MantisError) as caught:
                s.mantis.submit({"micro": "a"})
            self.assertEqual(caught.exception.retry_after, 3600.0)

    def test_what_is_not_safe_to_repeat_is_not_repeated_when_the_answer_is_lost(self):
        with Server([CUT]) as s:
            with self.assertRaises(MantisError) as caught:
                s.mantis.fingerprint()
            self.assertEqual((caught.exception.status, len(s.asked)), (0, 1))

    def test_the_token_does_not_follow_a_redirect(self):
        with Server([(307, {"Location": "/elsewhere"}, b"")]) as s:
            with self.assertRaises(MantisError) as caught:
                s.mantis.queue()
            self.assertEqual((caught.exception.status, len(s.asked)), (307, 1))


class Waiting(unittest.TestCase):
    def test_it_polls_at_the_pace_of_the_server_until_the_result_is_there(self):
        document = {"run_id": "r1", "status": "succeeded", "result_ready": True, "result": {"viable": 2}}
        late = dict(document, result_ready=False, result=None)
        with Server([reply(PHASE), reply(DONE), reply(late), reply(DONE), reply(document)]) as s:
            self.assertEqual(s.mantis.wait_for_completion("r1"), document)
            self.assertEqual(s.slept, [1.5, 0.2])

    def test_a_run_that_did_not_succeed_raises_when_asked_to(self):
        document = {"run_id": "r1", "status": "halted", "result_ready": True, "halt_reason": "budget_cap", "result": {}}
        with Server([reply(DONE), reply(document)]) as s:
            with self.assertRaises(RunFailed) as caught:
                s.mantis.wait_for_completion("r1", raise_on_failure=True)
            self.assertEqual(str(caught.exception), "run r1 halted: budget_cap")

    def test_the_deadline_is_an_error_and_the_run_goes_on(self):
        with Server([reply(PHASE)]) as s:
            with self.assertRaises(RunTimeout):
                s.mantis.wait_for_completion("r1", timeout=0)
            self.assertEqual([a[0] for a in s.asked], ["GET"])


class Streaming(unittest.TestCase):
    def follow(self, *answers):
        with Server(answers) as s:
            got = list(s.mantis.stream_events("r1"))
            return [e["data"].get("n", e["event"]) for e in got], [a[2].get("Last-Event-ID") for a in s.asked]

    def test_a_stream_that_breaks_off_goes_on_behind_the_last_event(self):
        got, cursors = self.follow(
            frames("event: phase", 'data: {"phase": "running"}', "", *event("t1#1", 1), ": ping", *event("t2#2", 2), "id: t3#3"),
            frames("event: phase", 'data: {"phase": "running"}', "", *event("t3#3", 3), *TERMINAL))
        self.assertEqual(got, ["phase", 1, 2, 3, "terminal"])
        self.assertEqual(cursors, [None, "t2#2"])

    def test_the_bound_of_a_stream_is_not_an_event(self):
        got, cursors = self.follow(frames(*event("t1#1", 1), "event: timeout", 'data: {"reason": "max_stream_seconds"}', ""),
                                   frames(*event("t2#2", 2), *TERMINAL))
        self.assertEqual((got, cursors), ([1, 2, "terminal"], [None, "t1#1"]))

    def test_an_answer_cut_in_the_middle_is_taken_up(self):
        got, cursors = self.follow(frames(*event("t1#1", 1), cut=True), CUT, frames(*TERMINAL))
        self.assertEqual((got, cursors), ([1, "terminal"], [None, "t1#1", "t1#1"]))

    def test_an_unknown_run_is_an_error(self):
        with Server([reply({"detail": "no run 'r1'"}, 404)]) as s:
            with self.assertRaises(MantisError) as caught:
                list(s.mantis.stream_events("r1"))
            self.assertEqual(caught.exception.status, 404)


class Signatures(unittest.TestCase):
    def test_only_the_bytes_that_were_signed_pass(self):
        body = b'{"run_id":"r1"}'
        mac = "sha256=" + hmac.new(b"s", body, hashlib.sha256).hexdigest()
        self.assertTrue(verify_webhook_signature(body, mac, "s"))
        for wrong in [(body + b" ", mac, "s"), (body, mac, "S"), (body, "", "s"), (body, None, "s"), (body, mac[:-1], "s"), (body, "sha256=é", "s")]:
            self.assertFalse(verify_webhook_signature(*wrong))

    def test_the_timed_signature_also_has_an_age(self):
        body = b"{}"
        mac = "t=1000,v1=" + hmac.new(b"s", b"1000." + body, hashlib.sha256).hexdigest()
        self.assertTrue(verify_webhook_signature(body, mac, "s", now=1200))
        self.assertFalse(verify_webhook_signature(body, mac, "s", now=1301))
        self.assertTrue(verify_webhook_signature(body, mac, "s", tolerance=None))
        self.assertFalse(verify_webhook_signature(body, mac.replace("t=1000", "t=1001"), "s", now=1200))


if __name__ == "__main__":
    unittest.main()
