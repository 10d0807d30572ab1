"""The semantic cache and limits from Python's standard library, around a model of one's own. MARROW_URL ends with /v1."""

import json
import os
import urllib.error
import urllib.request

URL = os.environ.get("MARROW_URL", "http://localhost:8080/v1")
KEY = os.environ["MARROW_KEY"]
CACHE = "/caches/python-example/entries"
LIMIT = "/limits/python-example"
TOKENS = 100  # what one call may take at most


def call(method, path, body):
    request = urllib.request.Request(
        URL + path,
        method=method,
        data=json.dumps(body).encode(),
        headers={"authorization": f"Bearer {KEY}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 429:  # a limit refused: its body says which, and when to come back
            return json.load(error)
        raise


def declare():
    """May run at every start: what is declared again changes nothing."""
    window = {"algorithm": "fixedWindow", "window_ms": 600_000}
    rules = [
        {"id": "user-tokens", "by": "user", "unit": "tokens", "limit": 250, **window},
        {"id": "all-at-once", "by": "app", "unit": "concurrency", "limit": 8},
    ]
    call("PUT", LIMIT, {"rules": rules, "lease_ms": 120_000, "on_unavailable": "allow"})


def answer(user, prompt, model):
    found = call("POST", CACHE + "/search", {"prompt": prompt, "attributes": {"language": "en"}})["data"]
    if found:
        return found[0]["searchStrategy"], found[0]["response"]
    permit = call("POST", LIMIT + "/take", {"subjects": {"user": user}, "costs": {"tokens": TOKENS}, "reserve": True})
    if not permit["allowed"]:
        return "refused", permit["refused_by"]
    spent = 0
    try:
        text, spent = model(prompt)
    finally:
        if "permit" in permit:  # absent where Redis was away and nothing was counted
            call("POST", LIMIT + "/settle", {"permit": permit["permit"], "costs": {"tokens": spent}})
    call("POST", CACHE, {"prompt": prompt, "response": text, "attributes": {"language": "en"}})
    return "asked", text


if __name__ == "__main__":
    declare()
    capitals = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Peru": "Lima"}
    model = lambda prompt: (next(city for land, city in capitals.items() if land in prompt), 60)
    for question in (
        "What is the capital of France?",
        "What's the capital of France?",
        "What is the capital of Italy?",
        "What is the capital of Spain?",
        "What is the capital of Peru?",
    ):
        print(*answer("ann", question, model))
