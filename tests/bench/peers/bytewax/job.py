"""Kafka, the person's state, Kafka, in Bytewax; at-least-once with recovery."""

import gc
import os

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic

STAGES = ("visitor", "engaged", "considering", "customer")
STAGE_OF = {"product.viewed": 1, "email.clicked": 1, "cart.added": 2, "order.placed": 3}
SESSION_GAP = 1_800_000
TOUCHES = 20


class Person(StatefulBatchLogic):
    """The state of one person; it is handed that person's events of a batch at once."""

    __slots__ = ("count", "session", "last", "stage", "touches")

    def __init__(self, kept):
        if kept is None:
            kept = (0, 0, None, 0, ())
        self.count, self.session, self.last, self.stage, touches = kept
        self.touches = list(touches)

    def on_batch(self, values):
        out = []
        touches = self.touches
        for event in values:
            at = event["at"]
            self.count += 1
            if self.last is None or at - self.last > SESSION_GAP:
                self.session += 1
            self.last = at
            stage = STAGE_OF.get(event["type"], 0)
            if stage > self.stage:
                self.stage = stage
            # Tuples, so that a snapshot is a shallow copy.
            touches.append((at, event["type"], event["channel"]))
            if len(touches) > TOUCHES:
                del touches[0]
            event["count"] = self.count
            event["session"] = self.session
            event["stage"] = STAGES[self.stage]
            event["touches"] = touches
            out.append(orjson.dumps(event))
        return out, StatefulBatchLogic.RETAIN

    def snapshot(self):
        return (self.count, self.session, self.last, self.stage, tuple(self.touches))


def parse(message):
    return message.key.decode(), orjson.loads(message.value)


def to_message(keyed):
    return KafkaSinkMessage(keyed[0].encode(), keyed[1])


# Every person stays in memory; the default thresholds walk all of them again and again.
gc.set_threshold(100_000, 50, 100)

brokers = [os.environ["BOOTSTRAP"]]
source = KafkaSource(
    brokers,
    [os.environ["INPUT"]],
    add_config={
        # Room for a broker that answers a fetch with more than it was asked for.
        "receive.message.max.bytes": "2000000000",
    },
    batch_size=10_000,
)
sink = KafkaSink(
    brokers,
    os.environ["OUTPUT"],
    add_config={
        # The sink flushes after every batch, so a longer linger would bring nothing.
        "linger.ms": "5",
        "batch.size": "1048576",
        "queue.buffering.max.messages": "1000000",
        # Kafka's own placing of keys; librdkafka's default is another.
        "partitioner": "murmur2_random",
    },
)

flow = Dataflow("enrich")
stream = op.input("events", flow, source)
stream = op.map("parse", stream, parse)
stream = op.stateful_batch("person", stream, Person)
stream = op.map("message", stream, to_message)
op.output("enriched", stream, sink)
