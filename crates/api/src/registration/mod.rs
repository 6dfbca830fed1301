//! How a driver registers with the kubelet.

pub mod v1;
