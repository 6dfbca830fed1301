//! The Container Storage Interface: the services `Identity` and `Node` that the kubelet calls.

pub mod v1;
