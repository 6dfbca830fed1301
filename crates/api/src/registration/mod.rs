//! How a driver makes itself known to the kubelet.

pub mod v1;
