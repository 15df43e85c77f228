"""Kafka, the person's state, Kafka, in Pathway; at-least-once with persistence."""

import os

import orjson
import pathway as pw

STAGES = ("visitor", "engaged", "considering", "customer")
STAGE_OF = {"product.viewed": 1, "email.clicked": 1, "cart.added": 2, "order.placed": 3}
SESSION_GAP = 1_800_000
TOUCHES = 20

WORK = os.environ["WORK"]
BROKER = {"bootstrap.servers": os.environ["BOOTSTRAP"]}
CONSUMER = {
    **BROKER,
    "group.id": "pathway-enrich",
    "auto.offset.reset": "earliest",
    # The persisted offsets alone say where to go on, not those of the group.
    "enable.auto.commit": "false",
    # Room for a broker that answers a fetch with more than it was asked for.
    "receive.message.max.bytes": "2000000000",
}
PRODUCER = {
    **BROKER,
    "linger.ms": "100",
    "batch.size": "1048576",
    "queue.buffering.max.messages": "1000000",
    # Kafka's own placing of keys; librdkafka's default is another.
    "partitioner": "murmur2_random",
}


@pw.reducers.stateful_many
def enrich(
    kept: tuple[bytes, list[tuple[int, bytes]]] | None, rows: list[tuple[list, int]]
) -> tuple[bytes, list[tuple[int, bytes]]]:
    """
    Takes a person's events of one minibatch; gives the person's state and what to write.

    The state is packed, so that it passes between the engine and Python as one value
    and not as sixty.
    """
    if kept is None:
        count, session, last, stage, touches = 0, 0, None, 0, []
    else:
        count, session, last, stage, touches = orjson.loads(kept[0])
    # The rows of a minibatch come in no order; the offsets bring them back into the log's.
    if len(rows) > 1:
        rows.sort(key=lambda row: row[0][1])
    out = []
    for (data, _offset), _ in rows:
        event = orjson.loads(data)
        at = event["at"]
        count += 1
        if last is None or at - last > SESSION_GAP:
            session += 1
        last = at
        stage = max(stage, STAGE_OF.get(event["type"], 0))
        touches.append([at, event["type"], event["channel"]])
        if len(touches) > TOUCHES:
            del touches[0]
        event["count"] = count
        event["session"] = session
        event["stage"] = STAGES[stage]
        event["touches"] = touches
        out.append((count, orjson.dumps(event)))
    return orjson.dumps([count, session, last, stage, touches]), out


events = pw.io.kafka.read(
    CONSUMER,
    topic=os.environ["INPUT"],
    format="raw",
    # Without this the record's key would be the row's, and one event replace the one before.
    autogenerate_key=True,
    with_metadata=True,
    autocommit_duration_ms=250,
    max_backlog_size=50_000,
    name="events",
)
persons = (
    events.select(person=pw.this.key, data=pw.this.data, offset=pw.this._metadata["offset"].as_int())
    .groupby(pw.this.person)
    .reduce(pw.this.person, kept=enrich(pw.this.data, pw.this.offset))
)
# A person's row changes with every minibatch; each change is kept as a row of its own,
# and each such row holds the records to write.
enriched = (
    persons.select(pw.this.person, out=pw.this.kept[1])
    .to_stream()
    .flatten(pw.this.out)
    .select(pw.this.person, count=pw.this.out[0], value=pw.this.out[1])
)
pw.io.kafka.write(
    enriched,
    PRODUCER,
    topic_name=os.environ["OUTPUT"],
    format="raw",
    key=enriched.person,
    value=enriched.value,
    # Within a minibatch a person's records go out in their order. The column sorted by
    # has to be part of the record, so it is a header too.
    headers=[enriched.count],
    sort_by=[enriched.count],
    name="enriched",
)

pw.run(
    monitoring_level=pw.MonitoringLevel.NONE,
    default_logging=False,
    # The kind of persistence that asks for no license key: the input is kept and, after a
    # restart, computed again.
    persistence_config=pw.persistence.Config(
        pw.persistence.Backend.filesystem(os.path.join(WORK, "state")),
        persistence_mode=pw.PersistenceMode.PERSISTING,
        snapshot_interval_ms=1000,
    ),
)
