"""What a Python service needs of Marrow, from the standard library: chat with memory, background tasks, verified webhooks."""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.request

URL = os.environ.get("MARROW_URL", "http://localhost:8080/v1")
KEY = os.environ["MARROW_KEY"]


def call(method, path, body=None, **headers):
    request = urllib.request.Request(
        URL + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": f"Bearer {KEY}", "content-type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer), answer.headers


def chat(user, session, text, model="demo"):
    """Marrow prepends the session's turns, and appends both new ones."""
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    answer, headers = call("POST", "/chat/completions", body, **{"x-marrow-user": user, "x-marrow-session": session})
    return answer["choices"][0]["message"]["content"], headers["x-marrow-cache"]


def push(payload, key):
    """The same key gives the same task, so a retry does no harm."""
    return call("POST", "/tasks", {"payload": payload}, **{"idempotency-key": key})[0]["id"]


def wait(task, seconds):
    """The task once it has ended, or as it is after that time."""
    ends = time.monotonic() + seconds
    while True:
        found, _ = call("GET", f"/tasks/{task}")
        if found["state"] in ("done", "dead", "cancelled") or time.monotonic() > ends:
            return found
        time.sleep(0.2)


def verify(secret, headers, body, tolerance=300):
    """Whether a webhook's body (bytes) is Marrow's and fresh: Standard Webhooks, one or more signatures of version 1."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > tolerance:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split(" "))


if __name__ == "__main__":
    print(*chat("ann", "chat-7", "What is the capital of France?"))
    print(*chat("ann", "chat-8", "What is the capital of France?"))
    task = push({"n": 1}, "request-1")
    print("same task", task == push({"n": 1}, "request-1"))
    print("task", wait(task, 30)["state"])
