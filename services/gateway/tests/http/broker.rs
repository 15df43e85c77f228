//! The gateway before a Kafka client: what is accepted can be read from the broker, and without a broker there is no 200.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;
use tributary_model::RawEvent;
use tributary_schema::Contracts;
use tributary_stream::{EmbeddedBroker, KafkaSettings, Publisher};

use crate::client::Gateway;
use crate::support::{self, Memory};

fn gateway(settings: &KafkaSettings, timeout: Duration) -> Gateway {
    let config = support::config();
    let sources = support::directory(&config);
    let publisher = Publisher::new(settings, timeout).unwrap();
    let router = tributary_gateway::router(config, sources, Contracts::single_object().unwrap(), publisher);
    Gateway { router, memory: Memory::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_events_are_on_the_broker_and_repetitions_meet() {
    let broker = EmbeddedBroker::start().unwrap();
    broker.create_topic("tributary.raw.channel", 4).unwrap();
    let settings = KafkaSettings { bootstrap: broker.bootstrap(), ..KafkaSettings::default() };
    let gateway = gateway(&settings, Duration::from_secs(20));
    let messages: Vec<_> =
        (0..50).map(|n| json!({"type": "page", "userId": "u", "messageId": format!("m-{n}")})).collect();
    let batch = json!({"batch": messages}).to_string();
    for _ in 0..2 {
        let answer = gateway.segment("/v1/batch", batch.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    let read = tokio::task::spawn_blocking(move || {
        let mut records = Vec::new();
        tributary_stream::read_to_end(&settings, "tributary.raw.channel", |record| records.push(record)).unwrap();
        records
    });
    let records = read.await.unwrap();
    assert_eq!(records.len(), 100);
    let contracts = Contracts::single_object().unwrap();
    let mut places = BTreeSet::new();
    for record in &records {
        let event: RawEvent = contracts.decode(record.value.as_deref().unwrap()).unwrap();
        assert_eq!(record.key, format!("segment:{}", event.event_id.unwrap()).into_bytes());
        places.insert((record.key.clone(), record.partition));
    }
    assert_eq!(places.len(), 50, "a key has one partition");
    let partitions: BTreeSet<_> = places.iter().map(|(_, partition)| partition).collect();
    assert_eq!(partitions.len(), 4);
    drop(broker);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_the_sender_is_told_to_come_back() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = KafkaSettings { bootstrap: closed.to_string(), ..KafkaSettings::default() };
    let gateway = gateway(&settings, Duration::from_millis(500));
    let answer = gateway.segment("/v1/page", r#"{"userId":"u"}"#).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    assert_eq!(answer.body["code"], "not_acknowledged");
    assert_eq!(answer.headers["retry-after"], "5");
}
