"""A worker for Marrow's tasks in Python's standard library: leases, steps, output, failures. MARROW_URL ends with /v1."""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request

URL = os.environ.get("MARROW_URL", "http://localhost:8080/v1")
KEY = os.environ["MARROW_KEY"]
LEASE_MS = int(os.environ.get("LEASE_MS", "10000"))


class Refused(Exception):
    """What HTTP cannot carry, or the gateway does not take: another attempt would pay for the same again."""


def call(path, body):
    try:
        data = json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("invalid_input", str(error))
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{URL}/tasks/{path}", data, headers), timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code in (400, 413):
            raise Refused("too_large" if error.code == 413 else "invalid_input", error.read().decode(errors="replace"))
        raise


class Job:
    def __init__(self, task):
        self.id, self.fence, self.payload, self.steps = task["id"], task["fence"], task["payload"], task["steps"]
        self.parts, self.over = 0, threading.Event()

    def say(self, act, **body):
        for wait in (0.2, 1, 5, None):  # said again it does nothing twice
            try:
                return call(f"{self.id}/{act}", {"fence": self.fence, **body})
            except urllib.error.URLError as error:
                if wait is None or getattr(error, "code", 503) not in (429, 500, 502, 503, 504):
                    raise
                time.sleep(wait)

    def step(self, name, run):
        if name not in self.steps:
            self.steps[name] = self.say("step", name=name, result=run())["result"]
        return self.steps[name]

    def write(self, text):
        self.parts = self.say("write", **{"from": self.parts, "texts": [text]})["parts"]

    def end(self, handler):
        try:
            self.say("finish", result=handler(self))
        except urllib.error.HTTPError:
            raise
        except Refused as error:
            self.say("fail", reason=error.args[0], message=error.args[1][:1000], retryable=False)
        except Exception as error:
            self.say("fail", message=str(error)[:1000])

    def keep(self):
        try:
            while not self.over.wait(LEASE_MS / 3000):
                if self.say("extend", lease_ms=LEASE_MS)["state"] == "cancelling":
                    self.over.set()
        except urllib.error.URLError:  # it ended meanwhile, or another worker has it
            self.over.set()


def work(handler):
    while True:
        for task in call("claim", {"limit": 1, "lease_ms": LEASE_MS, "wait_ms": 20000})["data"]:
            job = Job(task)
            threading.Thread(target=job.keep, daemon=True).start()
            try:
                job.end(handler)
            except urllib.error.HTTPError as error:
                if error.code not in (404, 409):  # 409: another worker has the task by now; 404: it was taken away
                    raise
            finally:
                job.over.set()


def answer(job):
    print("begin", job.id, flush=True)
    draft = job.step("draft", lambda: (print("draft", job.id, flush=True), f"draft of {job.payload['n']}")[1])
    time.sleep(job.payload.get("seconds", 0))
    job.write("almost ")
    if "result" in job.payload:  # what HTTP cannot carry, and what is too large for it
        return {"nan": float("nan"), "large": "x" * 40_000_000}[job.payload["result"]]
    return {"text": f"{draft}, done"}


if __name__ == "__main__":
    try:
        work(answer)
    except KeyboardInterrupt:
        sys.exit(0)
