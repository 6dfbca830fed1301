//! Right signing requests in every right object and text.

use svid_core::policy::IssuerReference;

use crate::USAGES;
use crate::case::{Cases, Expect};

impl Cases<'_> {
    pub(super) fn right_objects(&mut self) {
        let right = || self.world.around(self.world.craft().pem());
        let mut requests = Vec::new();
        for order in crate::orders() {
            let mut reordered = right();
            reordered.usages = Some(order.map(|at| USAGES[at].to_owned()).to_vec());
            requests.push((format!("usages in the order {order:?}"), reordered));
        }

        let mut unknown_groups = right();
        unknown_groups.requester.groups.clear();
        requests.push(("requester without groups".to_owned(), unknown_groups));

        let mut owned = right();
        owned.owners = vec![crate::owner()];
        requests.push(("owned by a pod".to_owned(), owned));

        let mut bound = right();
        bound.requester.extra = crate::claims();
        bound.owners = vec![crate::owner()];
        requests.push((
            "made with the token of the pod that owns it".to_owned(),
            bound,
        ));

        let mut applied = right();
        let written = Some("{\"apiVersion\":\"cert-manager.io/v1\"}\n".to_owned());
        let key = "kubectl.kubernetes.io/last-applied-configuration".to_owned();
        applied.annotations.read.insert(key, written);
        requests.push(("made with kubectl apply".to_owned(), applied));

        let issuer = self.world.issuer();
        let defaults = [
            (
                "group",
                issuer.group == "cert-manager.io",
                issuer.kind.as_str(),
                "",
            ),
            ("kind", issuer.kind == "Issuer", "", issuer.group.as_str()),
        ];
        for (what, _, kind, group) in defaults.into_iter().filter(|(_, is_ours, ..)| *is_ours) {
            let mut short = right();
            short.issuer = IssuerReference::new(&issuer.name, kind, group);
            requests.push((format!("issuer without its {what}"), short));
        }
        for (name, request) in requests {
            self.add(name, Expect::Approve, request);
        }
    }

    pub(super) fn right_texts(&mut self) {
        let text = String::from_utf8(self.world.craft().pem()).unwrap();
        let (begin, rest) = text.split_once('\n').unwrap();
        let (body, end) = rest.split_at(rest.find("-----END").unwrap());
        let one_line = body.replace('\n', "");
        let lines = |width: usize| {
            let lines = one_line.as_bytes().chunks(width);
            let lines: Vec<_> = lines.map(|line| str::from_utf8(line).unwrap()).collect();
            format!("{begin}\n{}\n{end}", lines.join("\n"))
        };
        for (what, pem) in [
            ("lines end in CR LF", text.replace('\n', "\r\n")),
            ("lines end in LF", text.clone()),
            ("no line end at the end", text.trim_end().to_owned()),
            ("a blank line at the end", format!("{text}\n")),
            ("blank lines at the end", format!("{text}\r\n\r\n")),
            ("a blank line at the start", format!("\n{text}")),
            ("lines of 76 letters", lines(76)),
            ("base64 in one line", format!("{begin}\n{one_line}\n{end}")),
        ] {
            self.right(what, pem.into_bytes());
        }
    }
}
