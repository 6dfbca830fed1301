//! The cluster as its clients see it: through kube's client, through plain HTTP, over a CSI socket.

mod csr;
mod fake_driver;
mod fixture;
mod raw;

mod admission;
mod faults;
mod issuing;
mod kubelet;
mod objects;
mod registration;
mod rights;
mod watching;
