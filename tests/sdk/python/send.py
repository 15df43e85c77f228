"""Sends the messages of a file with Segment's SDK for Python and ends with 1 when one of them was not delivered.

    GATEWAY_URL=http://localhost:8080 WRITE_KEY=... MESSAGES=../messages.json python send.py
"""

import json
import os
import sys
from datetime import datetime

from segment.analytics.client import Client

# The keys of a message, and how the SDK names them.
ARGUMENTS = {
    "messageId": "message_id",
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "previousId": "previous_id",
    "groupId": "group_id",
}


def required(name):
    value = os.environ.get(name)
    if not value:
        print(f"set the environment variable {name}", file=sys.stderr)
        sys.exit(2)
    return value


def send(client, message):
    arguments = {ARGUMENTS.get(key, key): value for key, value in message.items() if key != "type"}
    if "timestamp" in arguments:
        arguments["timestamp"] = datetime.fromisoformat(arguments["timestamp"].replace("Z", "+00:00"))
    queued, _ = getattr(client, message["type"])(**arguments)
    return queued


def main():
    with open(required("MESSAGES"), encoding="utf-8") as file:
        messages = json.load(file)
    failures = []
    client = Client(
        required("WRITE_KEY"),
        host=required("GATEWAY_URL"),
        gzip=os.environ.get("GZIP") == "1",
        on_error=lambda error, batch: failures.append((error, len(batch))),
        upload_size=20,
        upload_interval=0.2,
        max_retries=3,
    )
    not_queued = [message["messageId"] for message in messages if not send(client, message)]
    client.shutdown()
    for error, count in failures:
        print(f"{count} messages were not delivered: {error}", file=sys.stderr)
    for message_id in not_queued:
        print(f"{message_id} was not queued", file=sys.stderr)
    if failures or not_queued:
        return 1
    print(f"{len(messages)} messages were delivered")
    return 0


if __name__ == "__main__":
    sys.exit(main())
