//! Endpoints as they are out there: well, dead, slow, flapping, gone, busy, redirecting, and not what they say.

mod common;

use common::{Hub, Names, Receiver, Reply, SECRETS, config, destination};
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tributary_delivery::{Clock, DeliveryStep};
use tributary_service::config::{ByteSize, Duration};

#[tokio::test]
async fn a_webhook_is_verified_by_the_published_library_with_either_secret() {
    let receiver = Receiver::start(&[]).await;
    let mut hub = Hub::new(&config([("crm", destination("sales", &receiver.url()))]));
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    assert_eq!(hub.steps(), ["crm delivered 200"]);
    let received = receiver.received();
    let [request] = &received[..] else { panic!("{received:?}") };
    for secret in SECRETS {
        Webhook::new(secret).unwrap().verify(&request.body, &request.headers).unwrap();
    }
    let stranger = Webhook::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
    assert!(stranger.verify(&request.body, &request.headers).is_err());
    assert_eq!(request.path, "/hook?tenant=7");
    assert_eq!(request.header("webhook-id"), "d-1");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("host"), receiver.address.to_string());
    assert!(request.header("user-agent").starts_with("tributary/"));
    assert!(std::str::from_utf8(&request.body).unwrap().contains("\"payload\":{\"greeting\": \"Grüezi\"}"));
}

#[tokio::test]
async fn a_flapping_endpoint_gets_the_same_message_under_the_same_id_until_it_takes_it() {
    let receiver = Receiver::start(&[Reply::Status(500), Reply::Status(404), Reply::Status(503)]).await;
    let mut hub = Hub::new(&config([("crm", destination("sales", &receiver.url()))]));
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    assert_eq!([hub.next().await, hub.next().await, hub.next().await], [5000, 300_000, 1_800_000]);
    assert_eq!(hub.steps(), ["crm retrying 500", "crm retrying 404", "crm retrying 503", "crm delivered 200"]);
    let received = receiver.received();
    assert_eq!(received.len(), 4);
    for request in &received {
        assert_eq!((request.header("webhook-id"), &request.body), ("d-1", &received[0].body));
        let stamp = request.header("webhook-timestamp").parse().unwrap();
        let signed = Webhook::new(SECRETS[0]).unwrap().sign("d-1", stamp, &request.body).unwrap();
        assert_eq!(request.header("webhook-signature").split(' ').next(), Some(&*signed), "signed anew");
    }
    let stamp = |index: usize| received[index].header("webhook-timestamp").parse::<i64>().unwrap();
    assert_eq!(stamp(3) - stamp(0), 2105, "each attempt has its own timestamp");
}

#[tokio::test]
async fn a_dead_endpoint_harms_nobody() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let receiver = Receiver::start(&[]).await;
    let mut hub =
        Hub::new(&config([("dead", destination("sales", &dead)), ("well", destination("sales", &receiver.url()))]));
    for number in 0..20 {
        hub.enqueue(&format!("d-{number}"), "sales");
    }
    hub.settle().await;
    assert_eq!(hub.count("well", DeliveryStep::Delivered), 20);
    assert_eq!(receiver.received().len(), 20);
    let tried = hub.count("dead", DeliveryStep::Retrying);
    assert!((5..=8).contains(&tried), "{tried}: the breaker opens at five, and those on their way come back");
    assert!(hub.steps().contains(&"dead retrying connect".to_owned()));
    assert!(hub.steps().contains(&"dead BreakerOpened".to_owned()));
    assert_eq!(hub.queue.list(Some("dead")).len(), 20, "nothing is lost");
}

#[tokio::test]
async fn a_slow_endpoint_takes_nobody_elses_place() {
    let slow = Receiver::always(Reply::Never).await;
    let well = Receiver::start(&[]).await;
    let mut slow_config = destination("sales", &slow.url());
    slow_config.timeout = Duration::from_secs(120);
    let mut hub = Hub::new(&config([("slow", slow_config), ("well", destination("sales", &well.url()))]));
    for number in 0..20 {
        hub.enqueue(&format!("d-{number}"), "sales");
    }
    hub.turn();
    while hub.count("well", DeliveryStep::Delivered) < 20 {
        hub.dispatcher.wait().await;
        hub.turn();
    }
    assert_eq!(hub.dispatcher.in_flight(), 4, "all places of the slow one are taken, and no more");
    assert_eq!(hub.count("slow", DeliveryStep::Retrying), 0);
    assert_eq!(hub.queue.overview(hub.clock.now_at())[0].waiting, 16);
}

#[tokio::test]
async fn no_answer_in_time_is_a_failure() {
    let slow = Receiver::always(Reply::Never).await;
    let mut slow_config = destination("sales", &slow.url());
    slow_config.timeout = Duration::from_millis(300);
    slow_config.connect_timeout = Duration::from_millis(300);
    let mut hub = Hub::new(&config([("slow", slow_config)]));
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    assert_eq!(hub.steps(), ["slow retrying timeout"]);
    assert_eq!(hub.last_detail(), "no answer within 300ms");
}

#[tokio::test]
async fn whoever_is_gone_is_not_called_again() {
    let receiver = Receiver::start(&[Reply::Status(410)]).await;
    let mut hub = Hub::new(&config([("crm", destination("sales", &receiver.url()))]));
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    hub.enqueue("d-2", "sales");
    hub.settle().await;
    assert_eq!(hub.steps(), ["crm Disabled", "crm refused 410"]);
    assert_eq!(receiver.received().len(), 1);
    hub.queue.enable("crm", hub.clock.now_at()).unwrap();
    hub.settle().await;
    assert_eq!(hub.count("crm", DeliveryStep::Delivered), 2);
}

#[tokio::test]
async fn whoever_is_busy_is_left_alone_for_as_long_as_it_says() {
    let busy = Reply::With(429, "retry-after", "120".to_owned());
    let receiver = Receiver::start(&[busy]).await;
    let mut hub = Hub::new(&config([("crm", destination("sales", &receiver.url()))]));
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    hub.enqueue("d-2", "sales");
    hub.settle().await;
    assert_eq!(receiver.received().len(), 1, "the second one waits too");
    assert_eq!(hub.next().await, 120_000);
    assert_eq!(hub.steps(), ["crm Held", "crm retrying 429", "crm delivered 200", "crm delivered 200"]);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_nobody_goes_there() {
    let trap = Receiver::start(&[]).await;
    for (status, location) in [
        (301, "http://10.0.0.1/latest?token=7".to_owned()),
        (302, "http://169.254.169.254/latest/meta-data".to_owned()),
        (307, trap.url()),
        (308, "/elsewhere".to_owned()),
    ] {
        let receiver = Receiver::start(&[Reply::With(status, "location", location.clone())]).await;
        let mut hub = Hub::new(&config([("crm", destination("sales", &receiver.url()))]));
        hub.enqueue("d-1", "sales");
        hub.settle().await;
        assert_eq!(hub.steps(), [format!("crm retrying {status}")]);
        let bare = location.split('?').next().unwrap();
        assert_eq!(hub.last_detail(), format!("redirects to {bare}; webhooks are not redirected"));
        assert_eq!(receiver.received().len(), 1);
    }
    assert_eq!(trap.received().len(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let inside = Receiver::start(&[]).await;
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1", "127.0.0.1"],
        &["::ffff:127.0.0.1"],
        &["::1"],
        &["169.254.169.254"],
        &["fd00::1"],
        &["100.64.0.1"],
    ] {
        let names = Names::of(&[("hooks.example", addresses)]);
        let url = format!("https://hooks.example:{}/hook", inside.address.port());
        let public = tributary_delivery::DestinationConfig { allow_private: false, ..destination("sales", &url) };
        let mut hub = Hub::resolving(&config([("crm", public)]), names);
        hub.enqueue("d-1", "sales");
        hub.settle().await;
        assert_eq!(hub.steps(), ["crm retrying forbidden_address"], "{addresses:?}");
        assert!(hub.last_detail().starts_with("the name leads to "), "{}", hub.last_detail());
    }
    assert_eq!(inside.received().len(), 0);
}

#[tokio::test]
async fn the_addresses_that_were_judged_are_those_connected_to() {
    let inside = Receiver::start(&[]).await;
    // Nobody else knows this name, and the metadata service stays closed even where private addresses are allowed.
    let names = Names::of(&[("hooks.example", &["169.254.169.254", "127.0.0.1"])]);
    let url = format!("http://hooks.example:{}/hook", inside.address.port());
    let mut hub = Hub::resolving(&config([("crm", destination("sales", &url))]), names.clone());
    for number in 0..20 {
        hub.enqueue(&format!("d-{number}"), "sales");
        hub.settle().await;
    }
    let received = inside.received();
    assert_eq!(received.len(), 20);
    let mut connections: Vec<u16> = received.iter().map(|request| request.port).collect();
    connections.sort_unstable();
    connections.dedup();
    let asked = names.asked.lock().unwrap().len();
    assert!(asked >= connections.len(), "each connection has asked for the name itself");
    assert!(asked < 20, "and connections are used again");
    assert!(received[0].header("host").starts_with("hooks.example:"));
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_a_failure_of_its_own() {
    let mut hub = Hub::new(&config([("crm", destination("sales", "https://nowhere.example"))]));
    hub.enqueue("d-1", "sales");
    hub.settle().await;
    assert_eq!(hub.steps(), ["crm retrying resolve"]);
    assert_eq!(hub.last_detail(), "no such name");
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end_and_counts_all_the_same() {
    let receiver = Receiver::start(&[Reply::Long(64 << 20), Reply::Status(200)]).await;
    let mut config = config([("crm", destination("sales", &receiver.url()))]);
    config.max_answer = ByteSize::kib(1);
    let mut hub = Hub::new(&config);
    for id in ["d-1", "d-2"] {
        hub.enqueue(id, "sales");
        hub.settle().await;
    }
    assert_eq!(hub.steps(), ["crm delivered 200", "crm delivered 200"]);
    let received = receiver.received();
    assert_ne!(received[0].port, received[1].port, "the connection with the long answer was closed");
}

#[tokio::test]
async fn what_is_no_http_and_what_hangs_up_is_a_failure() {
    for reply in [&b"SSH-2.0-OpenSSH_9.9\r\n"[..], b"", b"HTTP/1.1 200 OK\r\nwebhook"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // The request is read, so that closing is no reset while it is being written.
                let mut request = [0; 4096];
                if stream.read(&mut request).await.is_ok() {
                    drop(stream.write_all(reply).await);
                }
            }
        });
        let mut hub = Hub::new(&config([("odd", destination("sales", &url))]));
        hub.enqueue("d-1", "sales");
        hub.settle().await;
        assert_eq!(hub.steps(), ["odd retrying disconnected"]);
        assert!(!hub.last_detail().is_empty());
    }
}
