use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::*;

fn source() -> ConfigMapName {
    ConfigMapName {
        namespace: "cert-manager".to_owned(),
        name: "issuer".to_owned(),
    }
}

fn flags() -> IssuerReference {
    IssuerReference::new("flags", "ClusterIssuer", "")
}

fn map(name: &str, entries: &[(&str, &str)]) -> DeserializeGuard<ConfigMap> {
    DeserializeGuard(Ok(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(
            entries
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        ),
        ..ConfigMap::default()
    }))
}

fn naming(issuer: &str) -> DeserializeGuard<ConfigMap> {
    let kind_and_group = [
        ("issuer-kind", "ClusterIssuer"),
        ("issuer-group", "cert-manager.io"),
    ];
    map(
        "issuer",
        &[&kind_and_group[..], &[("issuer-name", issuer)]].concat(),
    )
}

fn reference(name: &str) -> IssuerReference {
    IssuerReference::new(name, "ClusterIssuer", "cert-manager.io")
}

struct Watched {
    watch: IssuerWatch,
    receiver: IssuersReceiver,
    seen: Seen,
}

impl Watched {
    fn new(flags: Option<IssuerReference>) -> Self {
        let (watch, receiver) = IssuerWatch::new(flags, Some(source()));
        Self {
            watch,
            receiver,
            seen: Seen::default(),
        }
    }

    fn take(&mut self, event: Event<DeserializeGuard<ConfigMap>>) {
        self.watch.take(event, &source(), &mut self.seen);
    }

    fn current(&self) -> Option<Option<IssuerReference>> {
        self.receiver
            .borrow()
            .as_ref()
            .map(|issuers| issuers.current.clone())
    }
}

#[test]
fn without_a_config_map_the_flags_are_known_at_once() {
    let (_watch, receiver) = IssuerWatch::new(Some(flags()), None);
    assert_eq!(receiver.borrow().as_ref().unwrap().current, Some(flags()));
}

#[test]
fn nothing_is_known_before_the_config_map_was_read() {
    let mut watched = Watched::new(Some(flags()));
    assert_eq!(watched.current(), None);
    watched.take(Event::Init);
    assert_eq!(watched.current(), None);
    watched.take(Event::InitApply(naming("named")));
    assert_eq!(watched.current(), None, "the list may go on");
    watched.take(Event::InitDone);
    assert_eq!(watched.current(), Some(Some(reference("named"))));
}

#[test]
fn an_absent_config_map_leaves_the_flags() {
    let mut watched = Watched::new(Some(flags()));
    watched.take(Event::Init);
    watched.take(Event::InitDone);
    assert_eq!(watched.current(), Some(Some(flags())));

    let mut watched = Watched::new(None);
    watched.take(Event::Init);
    watched.take(Event::InitDone);
    assert_eq!(watched.current(), Some(None), "known, and none");
}

#[test]
fn a_change_applies_live_and_a_deletion_goes_back_to_the_flags() {
    let mut watched = Watched::new(Some(flags()));
    watched.take(Event::Init);
    watched.take(Event::InitDone);
    watched.take(Event::Apply(naming("first")));
    assert_eq!(watched.current(), Some(Some(reference("first"))));
    watched.take(Event::Apply(naming("second")));
    assert_eq!(watched.current(), Some(Some(reference("second"))));
    watched.take(Event::Delete(naming("second")));
    assert_eq!(watched.current(), Some(Some(flags())));
    let ever = watched.receiver.borrow().as_ref().unwrap().ever.to_vec();
    assert_eq!(ever, [flags(), reference("first"), reference("second")]);
}

#[test]
fn one_deleted_while_the_watch_was_down_goes_back_to_the_flags() {
    let mut watched = Watched::new(Some(flags()));
    for event in [
        Event::Init,
        Event::InitApply(naming("first")),
        Event::InitDone,
    ] {
        watched.take(event);
    }
    watched.take(Event::Init);
    watched.take(Event::InitDone);
    assert_eq!(watched.current(), Some(Some(flags())));
}

#[test]
fn an_incomplete_one_changes_nothing() {
    for broken in [
        map("issuer", &[]),
        map("issuer", &[("issuer-name", "x")]),
        map(
            "issuer",
            &[
                ("issuer-name", ""),
                ("issuer-kind", "a"),
                ("issuer-group", "b"),
            ],
        ),
    ] {
        let mut watched = Watched::new(Some(flags()));
        for event in [
            Event::Init,
            Event::InitApply(broken.clone()),
            Event::InitDone,
        ] {
            watched.take(event);
        }
        assert_eq!(watched.current(), Some(Some(flags())), "at the start");
        watched.take(Event::Apply(naming("first")));
        watched.take(Event::Apply(broken));
        assert_eq!(watched.current(), Some(Some(reference("first"))), "later");
    }
}

#[test]
fn another_config_map_is_not_listened_to() {
    let mut watched = Watched::new(Some(flags()));
    let stranger = map(
        "stranger",
        &[
            ("issuer-name", "x"),
            ("issuer-kind", "Issuer"),
            ("issuer-group", "cert-manager.io"),
        ],
    );
    for event in [
        Event::Init,
        Event::InitApply(stranger.clone()),
        Event::InitDone,
    ] {
        watched.take(event);
    }
    watched.take(Event::Apply(stranger.clone()));
    assert_eq!(watched.current(), Some(Some(flags())));
    watched.take(Event::Apply(naming("first")));
    watched.take(Event::Delete(stranger));
    assert_eq!(watched.current(), Some(Some(reference("first"))));
}
