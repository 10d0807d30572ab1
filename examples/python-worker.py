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


def call(path, body):
    request = urllib.request.Request(
        f"{URL}/tasks/{path}",
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


class Job:
    def __init__(self, task):
        self.id, self.fence, self.payload, self.steps = task["id"], task["fence"], task["payload"], task["steps"]
        self.parts, self.over = 0, threading.Event()

    def say(self, act, **body):
        return call(f"{self.id}/{act}", {"fence": self.fence, **body})

    def step(self, name, run):
        if name not in self.steps:
            self.steps[name] = self.say("step", name=name, result=run())["result"]
        return self.steps[name]

    def write(self, text):
        self.parts = self.say("write", **{"from": self.parts, "texts": [text]})["parts"]

    def keep(self):
        while not self.over.wait(LEASE_MS / 3000):
            if self.say("extend", lease_ms=LEASE_MS)["state"] == "cancelling":
                self.over.set()


def work(handler):
    while True:
        for task in call("claim", {"limit": 1, "lease_ms": LEASE_MS, "wait_ms": 20000})["data"]:
            job = Job(task)
            threading.Thread(target=job.keep, daemon=True).start()
            try:
                job.say("finish", result=handler(job))
            except urllib.error.HTTPError as error:
                if error.code != 409:  # 409: another worker has the task by now
                    raise
            except Exception as error:
                job.say("fail", message=str(error))
            finally:
                job.over.set()


def answer(job):
    print("begin", job.id, flush=True)
    draft = job.step("draft", lambda: (print("draft", job.id, flush=True), f"draft of {job.payload['n']}")[1])
    time.sleep(job.payload.get("seconds", 0))
    job.write("almost ")
    return {"text": f"{draft}, done"}


if __name__ == "__main__":
    try:
        work(answer)
    except KeyboardInterrupt:
        sys.exit(0)
