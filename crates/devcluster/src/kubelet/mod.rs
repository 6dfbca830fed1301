//! A kubelet, as far as inline CSI volumes go.
