//! Every allowed list of extensions: the name alone, and with extensions that say what the usages
//! say, critical or not, in any order.

use svid_core::der;

use crate::case::Cases;
use crate::craft::{eku, extension, general_name, san};

const KU: &str = "2.5.29.15";
const EKU: &str = "2.5.29.37";
const BC: &str = "2.5.29.19";
const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT: &str = "1.3.6.1.5.5.7.3.2";

impl Cases<'_> {
    pub(super) fn lists_of_extensions(&mut self) {
        let identity = self.world.identity();
        let name = |critical| san(critical, &[general_name(der::URI, identity.as_bytes())]);
        let usage = |critical| extension(KU, critical, &[0x03, 0x02, 0x05, 0xa0]);
        let server_client = |critical| extension(EKU, critical, &eku(&[SERVER, CLIENT]));
        let client_server = |critical| extension(EKU, critical, &eku(&[CLIENT, SERVER]));
        let basic = |critical| extension(BC, critical, &[0x30, 0x00]);
        for (what, extensions) in [
            ("name not critical", vec![name(false)]),
            ("name critical", vec![name(true)]),
            ("with key usage", vec![name(true), usage(true)]),
            (
                "with key usage, not critical",
                vec![name(false), usage(false)],
            ),
            ("with purposes", vec![name(true), server_client(false)]),
            (
                "with purposes, critical",
                vec![name(true), server_client(true)],
            ),
            (
                "with purposes, client first",
                vec![name(true), client_server(false)],
            ),
            ("with basic constraints", vec![name(true), basic(true)]),
            (
                "with basic constraints, not critical",
                vec![name(true), basic(false)],
            ),
            (
                "as cert-manager's library writes it",
                vec![name(true), usage(true), client_server(false)],
            ),
            (
                "as cert-manager's library writes it with basic constraints",
                vec![name(true), basic(true), usage(true), server_client(false)],
            ),
            (
                "usages before the name",
                vec![usage(true), client_server(false), name(false)],
            ),
            (
                "everything, none critical",
                vec![
                    basic(false),
                    usage(false),
                    server_client(false),
                    name(false),
                ],
            ),
            (
                "everything, all critical",
                vec![basic(true), usage(true), server_client(true), name(true)],
            ),
        ] {
            self.right(what, self.world.craft().extensions(&extensions).pem());
        }
    }

    /// All four extensions, in each of their 24 orders.
    pub(super) fn orders(&mut self) {
        let extensions = [
            self.world.right_san(),
            extension(KU, true, &[0x03, 0x02, 0x05, 0xa0]),
            extension(EKU, false, &eku(&[SERVER, CLIENT])),
            extension(BC, true, &[0x30, 0x00]),
        ];
        for order in crate::orders() {
            let list = order.map(|at| extensions[at].clone());
            let pem = self.world.craft().extensions(&list).pem();
            self.right(format!("extensions in the order {order:?}"), pem);
        }
    }
}
