"""Kafka, the person's state, Kafka, in Quix Streams; exactly-once."""

import os

from quixstreams import Application

STAGES = ("visitor", "engaged", "considering", "customer")
STAGE_OF = {"product.viewed": 1, "email.clicked": 1, "cart.added": 2, "order.placed": 3}
SESSION_GAP = 1_800_000
TOUCHES = 20

app = Application(
    broker_address=os.environ["BOOTSTRAP"],
    consumer_group="quix-enrich",
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    commit_interval=1.0,
    state_dir=os.path.join(os.environ["WORK"], "state"),
    loglevel="WARNING",
    consumer_extra_config={
        # Room for a broker that answers a fetch with more than it was asked for.
        "receive.message.max.bytes": 2_000_000_000,
        # An idle consumer waits for the broker and not the other way round.
        "fetch.wait.max.ms": 100,
        "queued.min.messages": 100_000,
    },
    producer_extra_config={
        "linger.ms": 100,
        "batch.size": 1_048_576,
        "queue.buffering.max.messages": 1_000_000,
    },
)


def enrich(event, state):
    # One state key holds all of a person's state, so an event costs one read and one write.
    kept = state.get("person")
    if kept is None:
        count, session, last, stage, touches = 0, 0, None, 0, []
    else:
        count, session, last, stage, touches = kept
    at = event["at"]
    count += 1
    if last is None or at - last > SESSION_GAP:
        session += 1
    stage = max(stage, STAGE_OF.get(event["type"], 0))
    touches.append([at, event["type"], event["channel"]])
    if len(touches) > TOUCHES:
        del touches[0]
    state.set("person", [count, session, at, stage, touches])
    event["count"] = count
    event["session"] = session
    event["stage"] = STAGES[stage]
    event["touches"] = touches


events = app.topic(os.environ["INPUT"], value_deserializer="json")
enriched = app.topic(os.environ["OUTPUT"], value_serializer="json")

stream = app.dataframe(events)
stream = stream.update(enrich, stateful=True)
stream.to_topic(enriched)

if __name__ == "__main__":
    app.run()
