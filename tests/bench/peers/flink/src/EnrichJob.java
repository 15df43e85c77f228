import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Kafka, key by person, enrich with the person's state, Kafka; exactly-once. */
public class EnrichJob {
    static final int PARALLELISM = 2;
    static final int TOUCHES = 20;
    static final long SESSION_GAP = 1_800_000L;
    static final String[] STAGES = {"visitor", "engaged", "considering", "customer"};

    public static void main(String[] args) throws Exception {
        String bootstrap = System.getenv("BOOTSTRAP");
        Path work = Path.of(System.getenv("WORK"));

        Configuration conf = new Configuration();
        conf.set(StateBackendOptions.STATE_BACKEND, "hashmap");
        conf.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        conf.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, work.resolve("checkpoints").toUri().toString());
        conf.set(CoreOptions.TMP_DIRS, work.resolve("tmp").toString());
        conf.set(PipelineOptions.OBJECT_REUSE, true);
        // A type that would fall back to Kryo is an error.
        conf.set(PipelineOptions.GENERIC_TYPES, false);

        StreamExecutionEnvironment env =
                StreamExecutionEnvironment.createLocalEnvironment(PARALLELISM, conf);
        env.enableCheckpointing(1000, CheckpointingMode.EXACTLY_ONCE);

        KafkaSource<Tuple2<String, byte[]>> source =
                KafkaSource.<Tuple2<String, byte[]>>builder()
                        .setBootstrapServers(bootstrap)
                        .setTopics(System.getenv("INPUT"))
                        .setGroupId("flink-enrich")
                        .setStartingOffsets(OffsetsInitializer.earliest())
                        .setDeserializer(new KeyAndBytes())
                        .setProperty("partition.discovery.interval.ms", "-1")
                        .setProperty("max.poll.records", "5000")
                        .build();

        KafkaSink<Enriched> sink =
                KafkaSink.<Enriched>builder()
                        .setBootstrapServers(bootstrap)
                        .setRecordSerializer(new EnrichedToJson(System.getenv("OUTPUT")))
                        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                        .setTransactionalIdPrefix("flink-enrich")
                        // Flink's own default is one hour, above what a broker allows by default.
                        .setProperty("transaction.timeout.ms", "600000")
                        .setProperty("linger.ms", "100")
                        .setProperty("batch.size", "1048576")
                        .setProperty("buffer.memory", "67108864")
                        .build();

        env.fromSource(source, WatermarkStrategy.noWatermarks(), "events")
                .uid("events")
                .keyBy(record -> record.f0)
                .process(new Enrich())
                .uid("enrich")
                .returns(TypeInformation.of(Enriched.class))
                .sinkTo(sink)
                .uid("enriched");
        env.execute("enrich");
    }

    /**
     * The record's key is the person, so what crosses the network to the keyed function is the key
     * and the value's bytes; the JSON is parsed once, behind it.
     */
    static class KeyAndBytes implements KafkaRecordDeserializationSchema<Tuple2<String, byte[]>> {
        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Tuple2<String, byte[]>> out) {
            out.collect(Tuple2.of(new String(record.key(), StandardCharsets.UTF_8), record.value()));
        }

        @Override
        public TypeInformation<Tuple2<String, byte[]>> getProducedType() {
            return Types.TUPLE(Types.STRING, Types.PRIMITIVE_ARRAY(Types.BYTE));
        }
    }

    static class Enrich extends KeyedProcessFunction<String, Tuple2<String, byte[]>, Enriched> {
        private transient ValueState<PersonState> persons;
        private transient ObjectReader reader;
        private transient Enriched enriched;

        @Override
        public void open(OpenContext context) {
            persons = getRuntimeContext().getState(
                    new ValueStateDescriptor<>("person", TypeInformation.of(PersonState.class)));
            reader = new ObjectMapper().readerFor(Event.class);
            enriched = new Enriched();
        }

        @Override
        public void processElement(Tuple2<String, byte[]> record, Context context, Collector<Enriched> out)
                throws Exception {
            Event event = reader.readValue(record.f1);
            PersonState state = persons.value();
            if (state == null) {
                state = new PersonState();
            }
            if (state.count == 0 || event.at - state.lastAt > SESSION_GAP) {
                state.session++;
            }
            state.count++;
            state.lastAt = event.at;
            state.stage = Math.max(state.stage, stageOf(event.type));
            addTouch(state, event);
            persons.update(state);

            // The sink is chained and serializes before this call returns, so one object will do.
            enriched.event = event;
            enriched.state = state;
            out.collect(enriched);
        }

        private static void addTouch(PersonState state, Event event) {
            int n = state.touchAt.length;
            if (n < TOUCHES) {
                state.touchAt = Arrays.copyOf(state.touchAt, n + 1);
                state.touchType = Arrays.copyOf(state.touchType, n + 1);
                state.touchChannel = Arrays.copyOf(state.touchChannel, n + 1);
            } else {
                n = TOUCHES - 1;
                System.arraycopy(state.touchAt, 1, state.touchAt, 0, n);
                System.arraycopy(state.touchType, 1, state.touchType, 0, n);
                System.arraycopy(state.touchChannel, 1, state.touchChannel, 0, n);
            }
            state.touchAt[n] = event.at;
            state.touchType[n] = event.type;
            state.touchChannel[n] = event.channel;
        }

        private static int stageOf(String type) {
            switch (type) {
                case "product.viewed":
                case "email.clicked":
                    return 1;
                case "cart.added":
                    return 2;
                case "order.placed":
                    return 3;
                default:
                    return 0;
            }
        }
    }

    static class EnrichedToJson implements KafkaRecordSerializationSchema<Enriched> {
        private final String topic;
        private transient JsonFactory json;
        private transient ByteArrayOutputStream buffer;

        EnrichedToJson(String topic) {
            this.topic = topic;
        }

        @Override
        public ProducerRecord<byte[], byte[]> serialize(Enriched enriched, KafkaSinkContext context, Long timestamp) {
            if (json == null) {
                json = new JsonFactory();
                buffer = new ByteArrayOutputStream(4096);
            }
            buffer.reset();
            Event event = enriched.event;
            PersonState state = enriched.state;
            try (JsonGenerator out = json.createGenerator(buffer)) {
                out.writeStartObject();
                out.writeStringField("id", event.id);
                out.writeStringField("person", event.person);
                out.writeNumberField("at", event.at);
                out.writeStringField("type", event.type);
                out.writeStringField("channel", event.channel);
                out.writeStringField("campaign", event.campaign);
                out.writeStringField("url", event.url);
                out.writeStringField("referrer", event.referrer);
                out.writeStringField("agent", event.agent);
                out.writeNumberField("count", state.count);
                out.writeNumberField("session", state.session);
                out.writeStringField("stage", STAGES[state.stage]);
                out.writeArrayFieldStart("touches");
                for (int i = 0; i < state.touchAt.length; i++) {
                    out.writeStartArray();
                    out.writeNumber(state.touchAt[i]);
                    out.writeString(state.touchType[i]);
                    out.writeString(state.touchChannel[i]);
                    out.writeEndArray();
                }
                out.writeEndArray();
                out.writeEndObject();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            // No partition is named: the producer's default hashes the key with murmur2.
            return new ProducerRecord<>(topic, event.person.getBytes(StandardCharsets.UTF_8), buffer.toByteArray());
        }
    }
}
