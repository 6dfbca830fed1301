//! One attempt: key, request, answer, check, files.
//!
//! Owns what is between a volume's task and one CertificateRequest; the task calls [`run`], and
//! nothing here calls the task. Invariants: a request is written to the record before it is created
//! (where the disk refuses that, renewing goes first, and the pod that owns the request takes it
//! along); what an attempt leaves on the API server is in the record until it is deleted; nothing
//! becomes visible that was not checked.
//!
//! | file | owns |
//! | --- | --- |
//! | `run` | the order of the steps, and what is left after a failure |
//! | `in_flight` | what one attempt holds, and its beginning |
//! | `create` | creating the request, once, even where answers are lost |
//! | `answer` | waiting for approver and issuer |
//! | `check` | whether what came back may be shown |
//! | `show` | the files |

mod answer;
mod check;
mod create;
mod in_flight;
mod run;
mod show;

pub(super) use run::run;
