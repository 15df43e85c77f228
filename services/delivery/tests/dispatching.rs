//! Queue and dispatcher together: aborts, kills, defects.

mod common;

use common::{Hub, Receiver, Reply, config, destination};
use tributary_delivery::{Answer, Queue, Request, SendError, SendWhatIsValid, Sender};

/// Answers 500 the first time, and ends by a defect the second.
#[derive(Debug, Default)]
struct Faulty(std::sync::atomic::AtomicU32);

impl Sender for Faulty {
    async fn send(&self, request: Request) -> Result<Answer, SendError> {
        assert_eq!(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed), 0, "{}", request.message_id);
        Ok(Answer { status: 500, ..Answer::default() })
    }
}

#[tokio::test]
async fn a_sender_that_ends_by_a_defect_leaves_no_delivery_behind() {
    let mut hub = Hub::sending(&config([("crm", destination("sales", "https://hooks.example"))]), Faulty::default());
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    hub.next().await;
    assert_eq!(hub.steps(), ["crm retrying 500", "crm retrying internal"]);
    assert_eq!(hub.dispatcher.in_flight(), 0);
}

#[tokio::test]
async fn what_an_aborted_transaction_had_recorded_is_recorded_again() {
    let receiver = Receiver::start(&[]).await;
    let mut hub = Hub::new(&config([("crm", destination("sales", &receiver.url()))]));
    hub.enqueue("d-1", "sales");
    hub.turn();
    hub.dispatcher.wait().await;
    for _ in 0..3 {
        hub.dispatcher.turn(&mut hub.queue, &SendWhatIsValid);
        assert_eq!(hub.queue.list(None), []);
        hub.queue.stores().into_iter().for_each(|store| store.abort());
        hub.queue.aborted();
        hub.dispatcher.aborted();
        assert_eq!(hub.queue.list(None).len(), 1, "it is as before");
    }
    hub.settle().await;
    assert_eq!(hub.steps(), ["crm delivered 200"]);
    assert_eq!(receiver.received().len(), 1, "it went once");
}

#[tokio::test]
async fn what_was_queued_when_the_process_was_killed_goes_out_under_the_same_id() {
    let receiver = Receiver::start(&[Reply::Never]).await;
    let config = config([("crm", destination("sales", &receiver.url()))]);
    let mut hub = Hub::new(&config);
    hub.enqueue("d-1", "sales");
    hub.turn();
    // The kill: the queue is what its changelogs say, and nobody hears of what was on its way.
    let mut fresh = Queue::new(&config).unwrap();
    for (old, new) in hub.queue.stores().into_iter().zip(fresh.stores()) {
        old.each_entry(&mut |key, value| new.restore(key, Some(value)).unwrap());
    }
    let mut again = Hub::new(&config);
    again.queue = fresh;
    again.clock = hub.clock.clone();
    let arrives = async {
        while receiver.received().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), arrives).await.unwrap();
    again.settle().await;
    assert_eq!(again.steps(), ["crm delivered 200"]);
    let received = receiver.received();
    let sent: Vec<_> = received.iter().map(|request| (request.header("webhook-id"), &request.body)).collect();
    assert_eq!(sent[0], sent[1]);
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn waiting_for_nothing_does_not_wait() {
    let receiver = Receiver::start(&[]).await;
    let mut hub = Hub::new(&config([("crm", destination("sales", &receiver.url()))]));
    hub.dispatcher.wait().await;
    hub.enqueue("d-1", "sales");
    hub.turn();
    hub.dispatcher.wait().await;
    hub.dispatcher.wait().await;
    hub.turn();
    assert_eq!(hub.steps(), ["crm delivered 200"]);
    assert!(format!("{:?}", hub.dispatcher).contains("in_flight: 0"));
}
