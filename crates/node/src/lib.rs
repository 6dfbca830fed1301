//! The driver: what runs on every node.
