"""Kafka, the person's state in a table, Kafka, in Faust; exactly-once."""

import logging
import os

import faust

STAGES = ("visitor", "engaged", "considering", "customer")
STAGE_OF = {"product.viewed": 1, "email.clicked": 1, "cart.added": 2, "order.placed": 3}
SESSION_GAP = 1_800_000
TOUCHES = 20
PARTITIONS = 4

# The worker's log level is that of its handler; without this the debug records of
# every message are made first and dropped then.
for name in ("aiokafka", "faust", "mode"):
    logging.getLogger(name).setLevel(logging.WARNING)

app = faust.App(
    "faust-enrich",
    broker="kafka://" + os.environ["BOOTSTRAP"],
    datadir=os.path.join(os.environ["WORK"], "data"),
    store="memory://",
    processing_guarantee="exactly_once",
    broker_commit_interval=1.0,
    consumer_auto_offset_reset="earliest",
    topic_partitions=PARTITIONS,
    topic_disable_leader=True,
    stream_buffer_maxsize=16_384,
    stream_wait_empty=False,
    producer_linger=0.1,
    producer_max_batch_size=1_048_576,
    broker_check_crcs=False,
    web_enabled=False,
)
events = app.topic(
    os.environ["INPUT"], key_type=str, key_serializer="raw", value_serializer="json", partitions=PARTITIONS
)
enriched = app.topic(
    os.environ["OUTPUT"], key_type=str, key_serializer="raw", value_serializer="json", partitions=PARTITIONS
)
persons = app.Table("persons", partitions=PARTITIONS, key_type=str)


@app.agent(events)
async def enrich(stream):
    async for person, event in stream.items():
        kept = persons.get(person)
        if kept is None:
            count, session, last, stage, touches = 0, 0, None, 0, []
        else:
            count, session, last, stage, touches = kept
        at = event["at"]
        count += 1
        if last is None or at - last > SESSION_GAP:
            session += 1
        stage = max(stage, STAGE_OF.get(event["type"], 0))
        # A new list: the values of a table are not to be changed in place.
        touches = [*touches[1 - TOUCHES :], [at, event["type"], event["channel"]]]
        # One table key holds all of a person's state, so an event costs one changelog record.
        persons[person] = [count, session, at, stage, touches]
        event["count"] = count
        event["session"] = session
        event["stage"] = STAGES[stage]
        event["touches"] = touches
        await enriched.send(key=person, value=event)
